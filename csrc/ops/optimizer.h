// optimizer_step: its operands and attributes, shared by the record and the driver.
#pragma once

#include "core/primitive.h"
#include "kernels/optimizer.h"

namespace fastnn {
namespace step {

enum Operand {
  Parameters,
  Slots,
  Gradients,
  Rate,
  Hyper,
  Iterations,
  Product,
  Accumulators,
  Averages,
  LossScale,
  Rows,
  Scratch
};

enum Clip { kNoClip, kClipValue, kClipNorm, kClipGlobalNorm };

struct Attributes {
  int64_t rule;
  int64_t clip;
  double limit;         // of the clip
  double scale;         // gradients are multiplied by it first
  double weight_decay;  // w -= w * weight_decay * learning rate, before the rule
  int64_t decayed;      // only the first so many parameters decay; -1: all
  int64_t accumulate;   // gradients are added up over so many calls, the last of which steps
  double momentum;      // of the moving averages
  int64_t overwrite;    // every so many steps the parameters become their averages; 0: never
};

struct Rule {
  const char* name;
  int slots, numbers;
};

inline const Rule& rule_of(const Attributes& attributes) {
#define FASTNN_RULE_ROW(name, slots, numbers) {#name, slots, numbers},
  static constexpr Rule rules[] = {FASTNN_OPTIMIZER_RULES(FASTNN_RULE_ROW)};
#undef FASTNN_RULE_ROW
  return rules[attributes.rule];
}

// Whether a step has a length that depends on a whole parameter.
inline bool is_scaled(const Attributes& attributes) {
  return attributes.rule == kRule_lamb || attributes.rule == kRule_adafactor;
}

// Whether gradient i holds some rows of parameter i, those that rows[i] names.
inline bool in_rows(const Call& call, int i) {
  return call.has(Rows) && call.operand(Rows, i).rank == 1;
}

// Bytes of scratch that every rule may ask for, and lamb and adafactor behind them.
int64_t shared_scratch(const Call& call);
int64_t scaled_scratch(const Call& call);

Status run(const Call& call);

}  // namespace step
}  // namespace fastnn
