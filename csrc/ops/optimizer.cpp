// optimizer_step and scale_list: all parameters of a model in one call.
#include <cmath>
#include <cstddef>

#include "core/kernel_table.h"
#include "core/thread_pool.h"
#include "ops/all.h"
#include "ops/checks.h"
#include "ops/flat_list.h"

namespace fastnn {
namespace {

constexpr int64_t kTaskElements = 1 << 14;

// Calls body(tensor, first, count) for all elements of the list, cut into tasks.
template <class Body>
void for_elements(const FlatList& list, Body&& body) {
  const int64_t n = list.units();
  parallel_for((n + kTaskElements - 1) / kTaskElements, [&](int64_t task) {
    const int64_t begin = task * kTaskElements, end = begin + kTaskElements;
    list.for_each(begin, end < n ? end : n,
                  [&](int i, int64_t first, int64_t stop) { body(i, first, stop - first); });
  });
}

void set_list_scratch(Call& call, int operand, int count) {
  if (const int64_t bytes = FlatList::scratch_bytes(count)) {
    call.resize(operand, 1);
    call.set_scratch(operand, bytes);
  }
}

char* scratch_of(const Call& call, int operand) {
  return call.has(operand) ? call.operand(operand).data : nullptr;
}

namespace step {
enum { Parameters, Slots, Gradients, Hyper, Iterations, Scratch };

struct Attributes {
  int64_t rule, nesterov, amsgrad;
};

CodeList rules() {
  static constexpr const char* names[] = {"sgd", "momentum", "adam"};
  return {names, kRules};
}

int slot_count(const Attributes& attributes) {
  if (attributes.rule == kRuleSgd) return 0;
  if (attributes.rule == kRuleMomentum) return 1;
  return attributes.amsgrad ? 3 : 2;
}

int hyper_count(const Attributes& attributes) {
  constexpr int counts[kRules] = {1, 2, 4};
  return counts[attributes.rule];
}

// Array i of operand j belongs to parameter i mod parameters: the same shape and dtype.
void check_like_parameters(const Call& call, int j) {
  const int parameters = call.count(Parameters);
  for (int i = 0; i < call.count(j); ++i) {
    const Array &array = call.operand(j, i), &parameter = call.operand(Parameters, i % parameters);
    if (same_shape(array, parameter) && array.dtype == parameter.dtype) continue;
    fail(array.dtype == parameter.dtype ? ErrorKind::value : ErrorKind::type, call,
         operand_name(call, j) + "[" + std::to_string(i) + "] has shape " + shape_text(array) +
             " and dtype " + dtype_name(array.dtype) + " but parameters[" +
             std::to_string(i % parameters) + "] has " + shape_text(parameter) + " and " +
             dtype_name(parameter.dtype));
  }
}

void check_count(const Call& call, int j, int expected) {
  if (call.count(j) != expected)
    fail(ErrorKind::value, call,
         operand_name(call, j) + " has " + std::to_string(call.count(j)) + " arrays, expected " +
             std::to_string(expected));
}

void infer(Call& call) {
  const auto& attributes = call.attributes.as<Attributes>();
  const int parameters = call.count(Parameters);
  for (int i = 0; i < parameters; ++i)
    if (!is_float(call.operand(Parameters, i).dtype))
      fail(ErrorKind::type, call,
           "parameters[" + std::to_string(i) + "] has dtype " +
               dtype_name(call.operand(Parameters, i).dtype) + ", expected float32 or float64");
  check_count(call, Gradients, parameters);
  check_count(call, Slots, parameters * slot_count(attributes));
  check_like_parameters(call, Gradients);
  check_like_parameters(call, Slots);
  const Array &hyper = call.operand(Hyper), &iterations = call.operand(Iterations);
  const int64_t expected = hyper_count(attributes);
  if (hyper.dtype != DType::float64 || hyper.rank != 1 || hyper.shape[0] != expected)
    fail(ErrorKind::value, call,
         "hyper has shape " + shape_text(hyper) + " and dtype " + dtype_name(hyper.dtype) +
             ", expected " + shape_text(1, &expected) + " and float64");
  check_dtypes(call, Iterations, {DType::int64});
  if (iterations.rank != 0) check_rank(call, Iterations, 0);
  set_list_scratch(call, Scratch, parameters);
}

OptimizerConstants constants_of(const Call& call) {
  const auto& attributes = call.attributes.as<Attributes>();
  const double* hyper = call.operand(Hyper).as<double>();
  OptimizerConstants constants{};
  constants.values[0] = hyper[0];
  if (attributes.rule == kRuleMomentum) {
    constants.values[1] = hyper[1];
    constants.flag = attributes.nesterov != 0;
  }
  if (attributes.rule == kRuleAdam) {
    const double t = static_cast<double>(*call.operand(Iterations).as<int64_t>()) + 1;
    const double beta_1 = hyper[1], beta_2 = hyper[2];
    constants.values[0] *= std::sqrt(1 - std::pow(beta_2, t)) / (1 - std::pow(beta_1, t));
    constants.values[1] = 1 - beta_1;
    constants.values[2] = 1 - beta_2;
    constants.values[3] = hyper[3];
    constants.flag = attributes.amsgrad != 0;
  }
  return constants;
}

Status run(const Call& call) {
  const auto& attributes = call.attributes.as<Attributes>();
  const int parameters = call.count(Parameters), slots = slot_count(attributes);
  const FlatList list(call, Parameters, 1, scratch_of(call, Scratch));
  const OptimizerConstants constants = constants_of(call);
  const auto& kernel = kernels().optimizer;
  for_elements(list, [&](int i, int64_t first, int64_t count) {
    const Array& parameter = call.operand(Parameters, i);
    const int64_t at = first * item_size(parameter.dtype);
    void* slot[kMostSlots];
    for (int k = 0; k < slots; ++k) slot[k] = call.operand(Slots, k * parameters + i).data + at;
    kernel.step[static_cast<int>(parameter.dtype)][attributes.rule](
        &constants, count, parameter.data + at, slot, call.operand(Gradients, i).data + at);
  });
  return {};
}
}  // namespace step

namespace scale {
enum { Xs, Scale, Scratch };

void infer(Call& call) {
  for (int i = 0; i < call.count(Xs); ++i)
    if (!is_float(call.operand(Xs, i).dtype))
      fail(ErrorKind::type, call,
           "xs[" + std::to_string(i) + "] has dtype " + dtype_name(call.operand(Xs, i).dtype) +
               ", expected float32 or float64");
  check_float(call, Scale);
  check_rank(call, Scale, 0);
  set_list_scratch(call, Scratch, call.count(Xs));
}

Status run(const Call& call) {
  const Array& scale = call.operand(Scale);
  const double factor = scale.dtype == DType::float32 ? *scale.as<float>() : *scale.as<double>();
  const FlatList list(call, Xs, 1, scratch_of(call, Scratch));
  const auto& kernel = kernels().optimizer;
  for_elements(list, [&](int i, int64_t first, int64_t count) {
    const Array& x = call.operand(Xs, i);
    kernel.scale[static_cast<int>(x.dtype)](x.data + first * item_size(x.dtype), factor, count);
  });
  return {};
}
}  // namespace scale

}  // namespace

void register_optimizer() {
  register_primitive(
      {"optimizer_step",
       {{"parameters", Role::inout, false, true},
        {"slots", Role::inout, false, true},
        {"gradients", Role::in, false, true},
        {"hyper", Role::in},
        {"iterations", Role::in},
        {"scratch", Role::scratch, true}},
       {{"rule", AttributeKind::code, offsetof(step::Attributes, rule), 0, step::rules},
        {"nesterov", AttributeKind::boolean, offsetof(step::Attributes, nesterov)},
        {"amsgrad", AttributeKind::boolean, offsetof(step::Attributes, amsgrad)}},
       step::infer,
       step::run});
  register_primitive(
      {"scale_list",
       {{"xs", Role::inout, false, true}, {"scale", Role::in}, {"scratch", Role::scratch, true}},
       {},
       scale::infer,
       scale::run});
}

}  // namespace fastnn
