// optimizer_step: all parameters of a model in one call. The record and its checks.
#include "ops/optimizer.h"

#include <cstddef>

#include "ops/all.h"
#include "ops/checks.h"

namespace fastnn {

void register_scale_list();
void register_lerp_list();

namespace step {
namespace {

CodeList rules() {
#define FASTNN_RULE_NAME(name, slots, numbers) #name,
  static constexpr const char* names[] = {FASTNN_OPTIMIZER_RULES(FASTNN_RULE_NAME)};
#undef FASTNN_RULE_NAME
  return {names, kRules};
}

CodeList clips() {
  static constexpr const char* names[] = {"none", "value", "norm", "global_norm"};
  return {names, 4};
}

// What array i of operand j is, in words.
std::string described(const Call& call, int j, int i) {
  const Array& array = call.operand(j, i);
  return operand_name(call, j) + "[" + std::to_string(i) + "] has shape " + shape_text(array) +
         " and dtype " + dtype_name(array.dtype);
}

void check_count(const Call& call, int j, int expected) {
  if (call.count(j) != expected)
    fail(ErrorKind::value, call,
         operand_name(call, j) + " has " + std::to_string(call.count(j)) + " arrays, expected " +
             std::to_string(expected));
}

// Array i of operand j belongs to parameter i mod parameters: the same shape and dtype.
void check_like_parameters(const Call& call, int j, int expected) {
  const int parameters = call.count(Parameters), count = call.count(j);
  check_count(call, j, expected);
  for (int i = 0; i < count; ++i) {
    const Array &array = call.operand(j, i), &parameter = call.operand(Parameters, i % parameters);
    if (same_shape(array, parameter) && array.dtype == parameter.dtype) continue;
    fail(array.dtype == parameter.dtype ? ErrorKind::value : ErrorKind::type, call,
         described(call, j, i) + " but parameters[" + std::to_string(i % parameters) + "] has " +
             shape_text(parameter) + " and " + dtype_name(parameter.dtype));
  }
}

// What array i of operand j has to be.
void check_expected(const Call& call, int j, int i, const Array& expected) {
  const Array& array = call.operand(j, i);
  if (!same_shape(array, expected) || array.dtype != expected.dtype)
    fail(array.dtype == expected.dtype ? ErrorKind::value : ErrorKind::type, call,
         described(call, j, i) + ", expected " + shape_text(expected) + " and " +
             dtype_name(expected.dtype));
}

// Adafactor's: means of squares along the last axis, along the one before, and of all elements; the
// first two have no axes where the parameter has less than two.
void check_adafactor_slots(const Call& call) {
  const int parameters = call.count(Parameters);
  check_count(call, Slots, 3 * parameters);
  for (int i = 0; i < parameters; ++i) {
    const Array& w = call.operand(Parameters, i);
    Array row = w, column = w;
    row.rank = column.rank = w.rank > 1 ? w.rank - 1 : 0;
    if (w.rank > 1) column.shape[w.rank - 2] = w.shape[w.rank - 1];
    check_expected(call, Slots, i, row);
    check_expected(call, Slots, parameters + i, column);
    check_expected(call, Slots, 2 * parameters + i, w);
  }
}

// Gradients of rows: rows[i] has the numbers of n of them and gradients[i] is [n, ...], or rows[i]
// has no axes and gradients[i] is whole. Averages and accumulators are of whole parameters.
void check_gradients(const Call& call) {
  if (!call.has(Rows)) return check_like_parameters(call, Gradients, call.count(Parameters));
  const int parameters = call.count(Parameters);
  for (const int j : {Gradients, Rows}) check_count(call, j, parameters);
  if (is_scaled(call.attributes.as<Attributes>()))
    fail(ErrorKind::value, call, std::string("rows go with neither lamb nor adafactor"));
  if (call.has(Averages) || call.has(Accumulators))
    fail(ErrorKind::value, call, std::string("rows go with neither averages nor accumulators"));
  for (int i = 0; i < parameters; ++i) {
    const Array& rows = call.operand(Rows, i);
    Array expected = call.operand(Parameters, i);
    if (rows.dtype != DType::int64 || rows.rank > (expected.rank ? 1 : 0))
      fail(ErrorKind::value, call,
           described(call, Rows, i) + ", expected int64, one axis, none if its parameter has none");
    if (rows.rank) expected.shape[0] = rows.shape[0];
    check_expected(call, Gradients, i, expected);
  }
}

void check_range(const Call& call, bool fits, const char* name, const std::string& value,
                 const char* expected) {
  if (!fits)
    fail(ErrorKind::value, call, std::string(name) + " is " + value + ", expected " + expected);
}

void check_settings(const Call& call) {
  const auto& a = call.attributes.as<Attributes>();
  check_range(call, a.clip == kNoClip || a.limit > 0, "limit", std::to_string(a.limit),
              "a positive number");
  check_range(call, a.decayed >= -1 && a.decayed <= call.count(Parameters), "decayed",
              std::to_string(a.decayed), "at most the number of parameters, or -1 for all");
  check_range(call, a.accumulate >= 1, "accumulate", std::to_string(a.accumulate), "at least 1");
  check_range(call, a.overwrite >= 0, "overwrite", std::to_string(a.overwrite), "at least 0");
}

void infer(Call& call) {
  const auto& attributes = call.attributes.as<Attributes>();
  const Rule& rule = rule_of(attributes);
  const int parameters = call.count(Parameters);
  for (int i = 0; i < parameters; ++i)
    if (!is_float(call.operand(Parameters, i).dtype))
      fail(ErrorKind::type, call,
           "parameters[" + std::to_string(i) + "] has dtype " +
               dtype_name(call.operand(Parameters, i).dtype) + ", expected float32 or float64");
  check_settings(call);
  check_gradients(call);
  if (attributes.rule == kRule_adafactor)
    check_adafactor_slots(call);
  else
    check_like_parameters(call, Slots, parameters * rule.slots);
  check_like_parameters(call, Accumulators, attributes.accumulate > 1 ? parameters : 0);
  if (call.has(Averages)) check_like_parameters(call, Averages, parameters);
  for (const int number : {Rate, LossScale})
    if (call.has(number)) {
      check_float(call, number);
      check_rank(call, number, 0);
    }
  const Array& hyper = call.operand(Hyper);
  const int64_t expected = rule.numbers;
  if (hyper.dtype != DType::float64 || hyper.rank != 1 || hyper.shape[0] != expected)
    fail(ErrorKind::value, call,
         "hyper has shape " + shape_text(hyper) + " and dtype " + dtype_name(hyper.dtype) +
             ", expected " + shape_text(1, &expected) + " and float64");
  check_dtypes(call, Iterations, {DType::int64});
  check_rank(call, Iterations, 0);
  if (call.has(Product) != (attributes.rule == kRule_nadam))
    fail(ErrorKind::value, call, std::string("product is needed by nadam and by no other rule"));
  if (call.has(Product)) {
    check_dtypes(call, Product, {DType::float64});
    check_rank(call, Product, 0);
  }
  if (const int64_t bytes = shared_scratch(call) + scaled_scratch(call)) {
    call.resize(Scratch, 1);
    call.set_scratch(Scratch, bytes);
  }
}

Error describe(const Call& call, const Status& status) {
  const std::string i = std::to_string(status.code - 1);
  return Error(ErrorKind::index,
               std::string(call.primitive->name) + ": rows[" + i + "] holds " +
                   std::to_string(status.value) + " at position " + std::to_string(status.where) +
                   ", expected ascending numbers of rows of parameters[" + i + "], which has " +
                   std::to_string(call.operand(Parameters, status.code - 1).shape[0]) +
                   ", and then -1 only");
}

}  // namespace
}  // namespace step

void register_optimizer() {
  using step::Attributes;
  register_primitive({"optimizer_step",
                      {{"parameters", Role::inout, false, true},
                       {"slots", Role::inout, false, true},
                       {"gradients", Role::in, false, true},
                       {"learning_rate", Role::in},
                       {"hyper", Role::in},
                       {"iterations", Role::inout},
                       {"product", Role::inout, true},
                       {"accumulators", Role::inout, true, true},
                       {"averages", Role::inout, true, true},
                       {"loss_scale", Role::in, true},
                       {"rows", Role::in, true, true},
                       {"scratch", Role::scratch, true}},
                      {{"rule", AttributeKind::code, offsetof(Attributes, rule), 0, step::rules},
                       {"clip", AttributeKind::code, offsetof(Attributes, clip), 0, step::clips},
                       {"limit", AttributeKind::real, offsetof(Attributes, limit)},
                       {"scale", AttributeKind::real, offsetof(Attributes, scale), 1},
                       {"weight_decay", AttributeKind::real, offsetof(Attributes, weight_decay)},
                       {"decayed", AttributeKind::integer, offsetof(Attributes, decayed), -1},
                       {"accumulate", AttributeKind::integer, offsetof(Attributes, accumulate), 1},
                       {"momentum", AttributeKind::real, offsetof(Attributes, momentum)},
                       {"overwrite", AttributeKind::integer, offsetof(Attributes, overwrite)}},
                      step::infer,
                      step::run,
                      step::describe});
  register_scale_list();
  register_lerp_list();
}

}  // namespace fastnn
