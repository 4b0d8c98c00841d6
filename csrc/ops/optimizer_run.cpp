// optimizer_step: the driver. One pass over parameters, slots and gradients; one more over the
// gradients when their norm limits them or when they are accumulated. Of a parameter whose gradient
// comes in rows, only those rows and the same rows of its slots are read or written.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "ops/flat_list.h"
#include "ops/indices.h"
#include "ops/optimizer_step.h"
#include "ops/reduce.h"

namespace fastnn {
namespace step {
namespace {

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
    case kRule_schedule_free: {
      const double risen = h[3] > 0 ? std::min(t / h[3], 1.0) : 1;
      return {{rate * risen, h[0], 1 - h[0], 1 - h[1], 1 / (1 - std::pow(h[1], t)), 1 / t, h[2]}};
    }
    case kRule_vsgd:  // at the first step there is nothing yet that an outlier lies out of
      return {{rate, t == 1 ? h[0] : 1, t == 1 ? INFINITY : 4}};
    case kRule_adasecant:
      return {{rate, h[0], h[1], t}};
    case kRule_lamb:
      return {{1 - h[0], 1 - h[1], 1 / (1 - std::pow(h[0], t)), 1 / (1 - std::pow(h[1], t)), h[2]}};
    case kRule_adafactor:
      return {{1 - std::pow(t, h[0]), std::pow(t, h[0]), h[1]}};
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

// Elements of gradient i from `from` on, which belong to those of the parameter from `to` on.
void piece(const Step& step, int i, int64_t from, int64_t to, int64_t count) {
  const Array& w = step.call.operand(Parameters, i);
  const OptimizerRuleKernel rule =
      step.kernel.step[static_cast<int>(w.dtype)][step.attributes.rule];
  const OptimizerPrelude prelude = step.prelude(i);
  const bool bare = step.is_bare(prelude);
  for (int64_t left = count, block; left; left -= block, from += block, to += block) {
    block = step.plain() ? left : std::min(kBlock, left);
    if (step.steps) {
      void* slots[kMostSlots];
      step.slots_at(i, to, slots);
      rule(&step.constants, bare ? nullptr : &prelude, block, step.at(Parameters, i, to), slots,
           step.at(step.source, i, from));
    }
    step.finish(i, from, to, block);
  }
}

// Elements of gradient i from `first` on.
void elements(const Step& step, int i, int64_t first, int64_t count) {
  const Call& call = step.call;
  if (!in_rows(call, i)) return piece(step, i, first, first, count);
  const Array &rows = call.operand(Rows, i), &g = call.operand(Gradients, i);
  const int64_t width = g.size() / rows.size(), extent = call.operand(Parameters, i).shape[0];
  for (const int64_t end = first + count; first < end;) {
    const int64_t column = first % width, left = std::min(width - column, end - first);
    const int64_t row = index_at(rows, first / width);
    if (row < 0) return;
    piece(step, i, first, bounded(row, extent) * width + column, left);
    first += left;
  }
}

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

int64_t shared_scratch(const Call& call) {
  const int parameters = call.count(Parameters);
  const bool each = call.attributes.as<Attributes>().clip == kClipNorm;
  return FlatList::scratch_bytes(parameters) + (each ? parameters * 8 : 0);
}

Status run(const Call& call) {
  if (const Status status = check_rows(call); status.code != 0) return status;
  const double loss_scale = call.has(LossScale) ? number_of(call.operand(LossScale)) : 1;
  if (!(loss_scale > 0 && loss_scale < INFINITY)) return {};
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
            a.scale / loss_scale / static_cast<double>(a.accumulate),
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
  if (steps && is_scaled(a))
    run_scaled(step, static_cast<double>(before) + 1, scratch + shared_scratch(call));
  else
    for_elements(list,
                 [&](int i, int64_t first, int64_t count) { elements(step, i, first, count); });
  return {};
}

}  // namespace step
}  // namespace fastnn
