// optimizer_step: the driver. One pass over parameters, slots and gradients; one more over the
// gradients when their norm limits them or when they are accumulated. Of a parameter whose gradient
// comes in rows, only those rows and the same rows of its slots are read or written.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/kernel_table.h"
#include "ops/flat_list.h"
#include "ops/indices.h"
#include "ops/optimizer.h"
#include "ops/reduce.h"

namespace fastnn {
namespace step {
namespace {

constexpr int64_t kBlock = 2048;  // elements that stay in the first cache from piece to piece

double nadam_momentum(double beta_1, double t) { return beta_1 * (1 - 0.5 * std::pow(0.96, t)); }

// t: the number of the step, from 1. Moves the product of Nadam's momenta on.
OptimizerConstants constants_of(const Call& call, double rate, double t) {
  const double* h = call.operand(Hyper).as<double>();
  switch (call.attributes.as<Attributes>().rule) {
    case kRule_momentum:
    case kRule_nesterov:
    case kRule_adagrad:
      return {{rate, h[0]}};
    case kRule_adadelta:
    case kRule_rmsprop:
    case kRule_rmsprop_centered:
      return {{rate, h[0], 1 - h[0], h[1]}};
    case kRule_rmsprop_momentum:
    case kRule_rmsprop_centered_momentum:
      return {{rate, h[0], 1 - h[0], h[1], h[2]}};
    case kRule_adam:
    case kRule_amsgrad: {
      const double corrected = rate * std::sqrt(1 - std::pow(h[1], t)) / (1 - std::pow(h[0], t));
      return {{corrected, 1 - h[0], 1 - h[1], h[2]}};
    }
    case kRule_adamax:
      return {{rate / (1 - std::pow(h[0], t)), 1 - h[0], h[1], h[2]}};
    case kRule_nadam: {
      const double now = nadam_momentum(h[0], t), next = nadam_momentum(h[0], t + 1);
      double* product = call.operand(Product).as<double>();
      *product *= now;
      return {{rate * next / (1 - *product * next), rate * (1 - now) / (1 - *product), 1 - h[0],
               1 - h[1], 1 / (1 - std::pow(h[1], t)), h[2]}};
    }
    case kRule_ftrl:
      return {{1 / rate, -h[0], h[1], 2 * h[2] + h[4] / rate, 2 * h[3]}};
    case kRule_lion:
      return {{rate, 1 - h[0], 1 - h[1]}};
    default:
      return {{rate}};
  }
}

// What gradients of that norm are multiplied by to keep to the limit.
double norm_factor(double norm, const Attributes& attributes) {
  return norm > attributes.limit ? attributes.limit / norm : norm == norm ? 1 : NAN;
}

double sum_of_squares(const Array& x) {
  if (x.size() == 0) return 0;
  alignas(8) char sum[8];
  run_pass(folder_for(ReduceOp::sum_squares, x.dtype), x.dtype, {1, x.size(), 1}, x.data, sum,
           nullptr);
  float narrow;
  double wide;
  std::memcpy(&narrow, sum, sizeof(narrow));
  std::memcpy(&wide, sum, sizeof(wide));
  return x.dtype == DType::float32 ? narrow : wide;
}

// What one call does to each element.
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

  bool plain() const {
    return steps && !factors && factor == 1 && attributes.clip == kNoClip &&
           attributes.weight_decay == 0 && source == Gradients && !call.has(Averages);
  }

  // Elements of gradient i from `first` on.
  void elements(int i, int64_t first, int64_t count) const {
    if (!in_rows(call, i)) return piece(i, first, first, count);
    const Array &rows = call.operand(Rows, i), &g = call.operand(Gradients, i);
    const int64_t width = g.size() / rows.size(), extent = call.operand(Parameters, i).shape[0];
    for (const int64_t end = first + count; first < end;) {
      const int64_t column = first % width, left = std::min(width - column, end - first);
      const int64_t row = index_at(rows, first / width);
      if (row < 0) return;
      piece(i, first, bounded(row, extent) * width + column, left);
      first += left;
    }
  }

 private:
  int64_t item(int i) const { return item_size(call.operand(Parameters, i).dtype); }

  // Elements of gradient i from `from` on, which belong to those of the parameter from `to` on.
  void piece(int i, int64_t from, int64_t to, int64_t count) const {
    if (plain()) return rule(i, to, count, call.operand(Gradients, i).data + from * item(i));
    for (int64_t done = 0; done < count; done += kBlock)
      block(i, from + done, to + done, std::min(kBlock, count - done));
  }

  void rule(int i, int64_t first, int64_t count, const void* g) const {
    const Array& w = call.operand(Parameters, i);
    const int64_t at = first * item(i);
    void* slots[kMostSlots];
    for (int k = 0; k < rule_of(attributes).slots; ++k)
      slots[k] = call.operand(Slots, k * parameters + i).data + at;
    kernel.step[static_cast<int>(w.dtype)][attributes.rule](&constants, count, w.data + at, slots,
                                                            g);
  }

  // The order is Keras's: scale, clip, decay, update, average.
  void block(int i, int64_t from, int64_t to, int64_t count) const {
    const Array& w = call.operand(Parameters, i);
    const int dtype = static_cast<int>(w.dtype);
    const int64_t at = to * item(i);
    char* g = call.operand(source, i).data + from * item(i);
    if (steps) {
      alignas(64) char clipped[kBlock * 8];
      const double limit = attributes.clip == kClipValue ? attributes.limit : INFINITY;
      kernel.clip[dtype](g, factors ? factors[i] : factor, limit, count, clipped);
      if (attributes.weight_decay != 0 && (attributes.decayed < 0 || i < attributes.decayed))
        kernel.decay[dtype](w.data + at, rate * attributes.weight_decay, count);
      rule(i, to, count, clipped);
      if (source == Accumulators) std::memset(g, 0, static_cast<size_t>(count * item(i)));
    }
    if (call.has(Averages))
      kernel.average[dtype](call.operand(Averages, i).data + at, w.data + at, keep, overwrite,
                            count);
  }
};

// Limits the gradients by norm: sums of squares a tensor, added in the order of the list. A norm of
// all that is not finite makes every gradient NaN, so that the damage shows.
void limit_norms(Step& step, double* factors) {
  const bool each = step.attributes.clip == kClipNorm;
  double total = 0;
  for (int i = 0; i < step.parameters; ++i) {
    const double squares = sum_of_squares(step.call.operand(step.source, i));
    if (each)
      factors[i] = step.factor * norm_factor(step.factor * std::sqrt(squares), step.attributes);
    total += squares;
  }
  if (each)
    step.factors = factors;
  else
    step.factor *=
        std::isfinite(total) ? norm_factor(step.factor * std::sqrt(total), step.attributes) : NAN;
}

// Row numbers ascend and are within the parameter; behind the last of them there is -1 only. So no
// row has two owners.
Status check_rows(const Call& call) {
  for (int i = 0; i < call.count(Rows); ++i) {
    if (!in_rows(call, i)) continue;
    const Array& rows = call.operand(Rows, i);
    const int64_t extent = call.operand(Parameters, i).shape[0];
    int64_t last = -1;
    for (int64_t k = 0; k < rows.size(); ++k) {
      const int64_t row = index_at(rows, k);
      if (row == -1)
        last = extent;
      else if (row > last && row < extent)
        last = row;
      else
        return {i + 1, k, row};
    }
  }
  return {};
}

}  // namespace

Status run(const Call& call) {
  if (const Status status = check_rows(call); status.code != 0) return status;
  const auto& a = call.attributes.as<Attributes>();
  int64_t* iterations = call.operand(Iterations).as<int64_t>();
  const int64_t before = *iterations / a.accumulate;  // whole steps
  const bool steps = (*iterations + 1) % a.accumulate == 0;
  ++*iterations;
  const int parameters = call.count(Parameters);
  char* scratch = call.has(Scratch) ? call.operand(Scratch).data : nullptr;
  const FlatList list(call, Gradients, 1, scratch);
  Step step{call,
            a,
            kernels().optimizer,
            parameters,
            a.accumulate > 1 ? Accumulators : Gradients,
            steps,
            number_of(call.operand(Rate)),
            a.scale / static_cast<double>(a.accumulate),
            nullptr,
            before == 0 ? 0 : a.momentum,
            a.overwrite > 0 && (before + 1) % a.overwrite == 0,
            {}};
  if (step.source == Accumulators)
    for_elements(list, [&](int i, int64_t first, int64_t count) {
      const Array &total = call.operand(Accumulators, i), &g = call.operand(Gradients, i);
      const int64_t at = first * item_size(g.dtype);
      step.kernel.accumulate[static_cast<int>(g.dtype)](total.data + at, g.data + at, count);
    });
  if (steps) {
    step.constants = constants_of(call, step.rate, static_cast<double>(before) + 1);
    if (a.clip == kClipNorm || a.clip == kClipGlobalNorm)
      limit_norms(step, reinterpret_cast<double*>(scratch + FlatList::scratch_bytes(parameters)));
  } else if (!call.has(Averages)) {
    return {};
  }
  for_elements(list, [&](int i, int64_t first, int64_t count) { step.elements(i, first, count); });
  return {};
}

}  // namespace step
}  // namespace fastnn
