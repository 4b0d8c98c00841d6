// optimizer_step: what its drivers share of one call.
#pragma once

#include <cmath>
#include <cstring>

#include "core/kernel_table.h"
#include "ops/optimizer.h"

namespace fastnn {
namespace step {

constexpr int64_t kBlock = 1024;  // elements that stay in the first cache from pass to pass

struct Step {
  const Call& call;
  const Attributes& attributes;
  const OptimizerKernels& kernel;
  int parameters, source;  // source: the operand that holds the gradients
  bool steps;              // false: gradients are only added up
  double rate, factor;     // factor: of every gradient
  double* factors;         // of each gradient; null: `factor` is for all
  double keep;             // momentum of the averages
  bool overwrite;
  OptimizerConstants constants;

  DType dtype(int i) const { return call.operand(Parameters, i).dtype; }

  // Element `first` of array i of operand j.
  char* at(int j, int i, int64_t first) const {
    return call.operand(j, i).data + first * item_size(dtype(i));
  }

  void slots_at(int i, int64_t first, void** slots) const {
    for (int k = 0; k < rule_of(attributes).slots; ++k)
      slots[k] = at(Slots, k * parameters + i, first);
  }

  // The share of itself that parameter i loses.
  double decay_of(int i) const {
    const bool decays = attributes.decayed < 0 || i < attributes.decayed;
    return decays && attributes.weight_decay != 0 ? rate * attributes.weight_decay : 0;
  }

  // Whether the rule, with its prelude, is all that happens.
  bool plain() const { return steps && source == Gradients && !call.has(Averages); }

  bool as_given() const { return !factors && factor == 1 && attributes.clip != kClipValue; }

  OptimizerPrelude prelude(int i) const {
    const double limit = attributes.clip == kClipValue ? attributes.limit : INFINITY;
    return {decay_of(i), factors ? factors[i] : factor, limit};
  }

  bool is_bare(const OptimizerPrelude& before) const { return as_given() && before.decay == 0; }

  // What follows comes in Keras's order: scale and clip, decay, the rule, average.

  // Elements of gradient i from `from` on are used up, those of the parameter from `to` on new.
  void finish(int i, int64_t from, int64_t to, int64_t count) const {
    const int64_t item = item_size(dtype(i));
    if (steps && source == Accumulators)
      std::memset(at(Accumulators, i, from), 0, static_cast<size_t>(count * item));
    if (call.has(Averages))
      kernel.average[static_cast<int>(dtype(i))](at(Averages, i, to), at(Parameters, i, to), keep,
                                                 overwrite, count);
  }
};

// The t-th step, with lamb or adafactor.
void run_scaled(const Step& step, double t, char* scratch);

// The mean squares of a matrix i, by Adafactor: those of its rows and columns move, and for each of
// `rows_of` rows it is found how large it is among them; then the slot of any elements is written.
void move_means(const Step& step, int i, double* rows, char* scratch);
void write_mean_squares(const Step& step, int i, int64_t first, int64_t count, const double* rows);
int64_t rows_of(const Array& parameter);
int64_t sums_scratch(const Array& parameter);  // of move_means

}  // namespace step
}  // namespace fastnn
