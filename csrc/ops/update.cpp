// State that is written in place: assign, and accumulate, which metrics are made of.
#include <cstring>

#include "core/kernel_table.h"
#include "ops/all.h"
#include "ops/checks.h"

namespace fastnn {
namespace {

// ---- assign(; y inout, x) -----------------------------------------------------------------------

void infer_assign(Call& call) {
  const Array &y = call.operand(0), &x = call.operand(1);
  check_same_dtype(call, 0, 1);
  if (!same_shape(y, x))
    fail(ErrorKind::value, call,
         "x has shape " + shape_text(x) + ", expected y's " + shape_text(y));
}

Status run_assign(const Call& call) {
  const Array &y = call.operand(0), &x = call.operand(1);
  std::memmove(y.data, x.data, static_cast<size_t>(y.bytes()));
  return {};
}

// ---- accumulate(; total inout, count inout, x; scale, rows) -------------------------------------

struct AccumulateAttributes {
  double scale, rows;
};

void infer_accumulate(Call& call) {
  for (int operand : {0, 1}) {
    const Array& array = call.operand(operand);
    if (array.dtype != DType::float64 || array.rank != 0)
      fail(ErrorKind::value, call,
           operand_name(call, operand) + " has shape " + shape_text(array) + " and dtype " +
               dtype_name(array.dtype) + ", expected a float64 scalar");
  }
}

// total += scale * sum(x), count += rows. The sum is taken in float64 in eight chains, element i
// in chain i mod 8, which are added from the first to the last.
Status run_accumulate(const Call& call) {
  constexpr int64_t kChunk = 256, kChains = 8;
  const Array& x = call.operand(2);
  const auto& attributes = call.attributes.as<AccumulateAttributes>();
  const CastKernel cast =
      kernels().movement.cast[static_cast<int>(x.dtype)][static_cast<int>(DType::float64)];
  double chains[kChains] = {};
  const int64_t size = x.size();
  for (int64_t first = 0; first < size; first += kChunk) {
    double values[kChunk];
    const int64_t n = size - first < kChunk ? size - first : kChunk;
    cast(n, x.data + first * item_size(x.dtype), reinterpret_cast<char*>(values), 1);
    int64_t i = 0;
    for (; i + kChains <= n; i += kChains)
      for (int64_t j = 0; j < kChains; ++j) chains[j] += values[i + j];
    for (; i < n; ++i) chains[i % kChains] += values[i];
  }
  double sum = 0;
  for (const double chain : chains) sum += chain;
  *call.operand(0).as<double>() += attributes.scale * sum;
  *call.operand(1).as<double>() += attributes.rows;
  return {};
}

}  // namespace

void register_update() {
  register_primitive(
      {"assign", {{"y", Role::inout}, {"x", Role::in}}, {}, infer_assign, run_assign});
  register_primitive({"accumulate",
                      {{"total", Role::inout}, {"count", Role::inout}, {"x", Role::in}},
                      {{"scale", AttributeKind::real, offsetof(AccumulateAttributes, scale), 1},
                       {"rows", AttributeKind::real, offsetof(AccumulateAttributes, rows), 1}},
                      infer_accumulate,
                      run_accumulate});
}

}  // namespace fastnn
