// random_uniform, random_normal, random_integers.
#include "ops/random.h"

#include <cmath>
#include <cstddef>
#include <limits>

#include "core/kernel_table.h"
#include "ops/all.h"
#include "ops/checks.h"
#include "ops/tasks.h"

namespace fastnn {
namespace {

enum { Y, State };

struct UniformAttributes {
  int64_t shape[kMaxRank + 1];
  double low, high;
  int64_t dtype;
};

struct NormalAttributes {
  int64_t shape[kMaxRank + 1];
  double mean, std;
  int64_t truncated, dtype;
};

struct IntegerAttributes {
  int64_t shape[kMaxRank + 1];
  int64_t low, high, dtype;
};

void set_drawn(Call& call, const int64_t* shape, int64_t dtype) {
  check_state(call, State);
  check_extents(call, static_cast<int>(shape[0]), shape + 1);
  call.set_output(Y, static_cast<DType>(dtype), static_cast<int>(shape[0]), shape + 1);
}

void check_float_dtype(const Call& call, int64_t dtype) {
  if (!is_float(static_cast<DType>(dtype)))
    fail(ErrorKind::type, call,
         std::string("dtype is ") + dtype_name(static_cast<DType>(dtype)) +
             ", expected float32 or float64");
}

void infer_uniform(Call& call) {
  const auto& attributes = call.attributes.as<UniformAttributes>();
  check_float_dtype(call, attributes.dtype);
  const double width = attributes.high - attributes.low;
  const bool narrow = static_cast<DType>(attributes.dtype) == DType::float32;
  const double most =
      narrow ? std::numeric_limits<float>::max() : std::numeric_limits<double>::max();
  if (!(width >= 0 && width <= most && attributes.low >= -most && attributes.high <= most))
    fail(ErrorKind::value, call,
         "low is " + std::to_string(attributes.low) + " and high is " +
             std::to_string(attributes.high) + ", expected low <= high, both finite in " +
             dtype_name(static_cast<DType>(attributes.dtype)) + ", and so is high - low");
  set_drawn(call, attributes.shape, attributes.dtype);
}

Status run_uniform(const Call& call) {
  const auto& attributes = call.attributes.as<UniformAttributes>();
  const Array& y = call.operand(Y);
  const int64_t n = y.size(), item = item_size(y.dtype), words = item / 4;
  const PhiloxState state = draw(call.operand(State), n * words);
  const auto kernel = kernels().random.uniform[static_cast<int>(y.dtype)];
  for_pieces(n, kRandomTask, [&](int64_t first, int64_t count) {
    kernel(skip(state, first * words), attributes.low, attributes.high, count,
           y.data + first * item);
  });
  return {};
}

void infer_normal(Call& call) {
  const auto& attributes = call.attributes.as<NormalAttributes>();
  check_float_dtype(call, attributes.dtype);
  if (!(attributes.std >= 0) || std::isinf(attributes.std) || !std::isfinite(attributes.mean))
    fail(ErrorKind::value, call,
         "mean is " + std::to_string(attributes.mean) + " and std is " +
             std::to_string(attributes.std) + ", expected finite numbers and std >= 0");
  set_drawn(call, attributes.shape, attributes.dtype);
}

Status run_normal(const Call& call) {
  const auto& attributes = call.attributes.as<NormalAttributes>();
  const Array& y = call.operand(Y);
  const int64_t n = y.size(), item = item_size(y.dtype), words = item / 4;
  const PhiloxState state = draw(call.operand(State), n * words);
  const auto kernel = kernels().random.normal[static_cast<int>(y.dtype)];
  for_pieces(n, kRandomTask, [&](int64_t first, int64_t count) {
    kernel(skip(state, first * words), attributes.mean, attributes.std,
           static_cast<int>(attributes.truncated), count, y.data + first * item);
  });
  return {};
}

struct Limits {
  int64_t lowest, highest;
};
Limits limits_of(DType dtype) {
  if (dtype == DType::int32) return {INT32_MIN, INT32_MAX};
  if (dtype == DType::int64) return {INT64_MIN, INT64_MAX};
  return {0, UINT8_MAX};
}

void infer_integers(Call& call) {
  const auto& attributes = call.attributes.as<IntegerAttributes>();
  const DType dtype = static_cast<DType>(attributes.dtype);
  if (dtype != DType::int32 && dtype != DType::int64 && dtype != DType::uint8)
    fail(ErrorKind::type, call,
         std::string("dtype is ") + dtype_name(dtype) + ", expected int32, int64 or uint8");
  const std::string range =
      "[" + std::to_string(attributes.low) + ", " + std::to_string(attributes.high) + ")";
  if (attributes.low >= attributes.high)
    fail(ErrorKind::value, call, "no integer lies in " + range + ", expected low < high");
  const Limits limits = limits_of(dtype);
  if (attributes.low < limits.lowest || attributes.high - 1 > limits.highest)
    fail(ErrorKind::value, call, range + " does not fit " + dtype_name(dtype));
  set_drawn(call, attributes.shape, attributes.dtype);
}

// floor(word * range / 2^bits): D. Lemire, "Fast random integer generation in an interval" (2019),
// without its rejection.
uint64_t scaled(uint32_t word, uint64_t range) { return word * range >> 32; }
uint64_t scaled(uint64_t word, uint64_t range) {
  const uint64_t a = word >> 32, b = word & UINT32_MAX, c = range >> 32, d = range & UINT32_MAX;
  const uint64_t middle = a * d + (b * d >> 32);
  return a * c + (middle >> 32) + (((middle & UINT32_MAX) + b * c) >> 32);
}

template <class Word, class T>
void fill_integers(PhiloxState state, int64_t low, uint64_t range, int64_t n, T* y) {
  constexpr int64_t kChunk = 512;
  Word drawn[kChunk];
  for (int64_t first = 0; first < n; first += kChunk) {
    const int64_t count = n - first < kChunk ? n - first : kChunk;
    kernels().random.words(state, ceil_div(count * static_cast<int64_t>(sizeof(Word)), 16),
                           reinterpret_cast<uint32_t*>(drawn));
    state = skip(state, kChunk * static_cast<int64_t>(sizeof(Word)) / 4);
    for (int64_t i = 0; i < count; ++i)
      y[first + i] = static_cast<T>(static_cast<uint64_t>(low) + scaled(drawn[i], range));
  }
}

template <class Word>
void fill_integers(PhiloxState state, int64_t low, uint64_t range, const Array& y, int64_t first,
                   int64_t n) {
  if (y.dtype == DType::int32)
    fill_integers<Word>(state, low, range, n, y.as<int32_t>() + first);
  else if (y.dtype == DType::int64)
    fill_integers<Word>(state, low, range, n, y.as<int64_t>() + first);
  else
    fill_integers<Word>(state, low, range, n, y.as<uint8_t>() + first);
}

Status run_integers(const Call& call) {
  const auto& attributes = call.attributes.as<IntegerAttributes>();
  const Array& y = call.operand(Y);
  const uint64_t range =
      static_cast<uint64_t>(attributes.high) - static_cast<uint64_t>(attributes.low);
  const bool wide = range > uint64_t{1} << 32;
  const int64_t n = y.size(), words = wide ? 2 : 1;
  const PhiloxState state = draw(call.operand(State), n * words);
  for_pieces(n, kRandomTask, [&](int64_t first, int64_t count) {
    const PhiloxState start = skip(state, first * words);
    wide ? fill_integers<uint64_t>(start, attributes.low, range, y, first, count)
         : fill_integers<uint32_t>(start, attributes.low, range, y, first, count);
  });
  return {};
}

// Drawing a normal number costs most.
double cost(const Call& call) { return 10.0 * static_cast<double>(call.operand(Y).size()); }

}  // namespace

void check_state(const Call& call, int operand) {
  const Array& state = call.operand(operand);
  if (state.dtype != DType::int64 || state.rank != 1 || state.shape[0] != 2)
    fail(ErrorKind::value, call,
         "state has shape " + shape_text(state) + " and dtype " + dtype_name(state.dtype) +
             ", expected (2,) and int64: key and counter");
}

PhiloxState draw(const Array& state, int64_t words) {
  uint64_t* bits = state.as<uint64_t>();
  const PhiloxState before{bits[0], bits[1]};
  bits[1] += static_cast<uint64_t>(ceil_div(words, 4));
  return before;
}

void register_random() {
  const std::vector<OperandInfo> operands = {{"y", Role::out}, {"state", Role::inout}};
  constexpr double int32 = static_cast<double>(DType::int32);
  register_primitive({"random_uniform",
                      operands,
                      {{"shape", AttributeKind::integers, offsetof(UniformAttributes, shape)},
                       {"low", AttributeKind::real, offsetof(UniformAttributes, low), 0},
                       {"high", AttributeKind::real, offsetof(UniformAttributes, high), 1},
                       {"dtype", AttributeKind::dtype, offsetof(UniformAttributes, dtype)}},
                      infer_uniform,
                      run_uniform,
                      nullptr,
                      cost});
  register_primitive({"random_normal",
                      operands,
                      {{"shape", AttributeKind::integers, offsetof(NormalAttributes, shape)},
                       {"mean", AttributeKind::real, offsetof(NormalAttributes, mean), 0},
                       {"std", AttributeKind::real, offsetof(NormalAttributes, std), 1},
                       {"truncated", AttributeKind::boolean, offsetof(NormalAttributes, truncated)},
                       {"dtype", AttributeKind::dtype, offsetof(NormalAttributes, dtype)}},
                      infer_normal,
                      run_normal,
                      nullptr,
                      cost});
  register_primitive({"random_integers",
                      operands,
                      {{"shape", AttributeKind::integers, offsetof(IntegerAttributes, shape)},
                       {"low", AttributeKind::integer, offsetof(IntegerAttributes, low)},
                       {"high", AttributeKind::integer, offsetof(IntegerAttributes, high)},
                       {"dtype", AttributeKind::dtype, offsetof(IntegerAttributes, dtype), int32}},
                      infer_integers,
                      run_integers,
                      nullptr,
                      cost});
  register_dropout();
  register_permutation();
}

}  // namespace fastnn
