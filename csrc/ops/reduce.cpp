// reduce: sum, mean, max and their like over any axes.
#include "ops/reduce.h"

#include <cmath>
#include <cstddef>
#include <cstring>

#include "core/kernel_table.h"
#include "ops/all.h"
#include "ops/checks.h"

namespace fastnn {
namespace {

enum { Y, X, Scratch };

struct ReduceAttributes {
  int64_t op, axes, keepdims;
};

#define FASTNN_DTYPES(name, dtypes, result) #dtypes[0],
#define FASTNN_RESULT(name, dtypes, result) #result[0],
constexpr char kAllowed[] = {FASTNN_REDUCE_OPS(FASTNN_DTYPES)};
constexpr char kResult[] = {FASTNN_REDUCE_OPS(FASTNN_RESULT)};
#undef FASTNN_DTYPES
#undef FASTNN_RESULT

void check_dtype(const Call& call, int64_t op) {
  const DType dtype = call.operand(X).dtype;
  const char* expected = nullptr;
  if (kAllowed[op] == 'F' && !is_float(dtype)) expected = "float32 or float64";
  if (kAllowed[op] == 'N' && dtype == DType::boolean) expected = "a number";
  if (expected)
    fail(ErrorKind::type, call,
         std::string("x has dtype ") + dtype_name(dtype) + ", expected " + expected + " for " +
             reduce_codes().names[op]);
}

// Where the passes put what: the packed operand, one result after the other, partial results.
int64_t scratch_bytes(const ReducePlan& plan, const Folder& folder, const Array& x) {
  int64_t bytes = 0, partial = 0;
  if (plan.copied) bytes += x.bytes();
  for (int i = 0; i < plan.count; ++i) {
    const ReducePass& pass = plan.passes[i];
    bytes = (bytes + 63) / 64 * 64;
    if (i + 1 < plan.count) bytes += pass.outer * pass.inner * item_size(folder.result);
    const int64_t needed = pass_scratch(folder, pass);
    if (needed > partial) partial = needed;
  }
  return (bytes + 63) / 64 * 64 + partial;
}

void infer_reduce(Call& call) {
  const auto& attributes = call.attributes.as<ReduceAttributes>();
  const Array& x = call.operand(X);
  const ReduceOp op = static_cast<ReduceOp>(attributes.op);
  check_dtype(call, attributes.op);
  if (attributes.axes >> x.rank)
    fail(ErrorKind::value, call,
         "axes name an axis beyond the " + std::to_string(x.rank) + " of x with shape " +
             shape_text(x));
  int64_t shape[kMaxRank], results = 1;
  const int rank = reduced_shape(x, attributes.axes, attributes.keepdims, shape);
  for (int axis = 0; axis < rank; ++axis) results *= shape[axis];
  const bool empty = x.size() == 0;
  if (empty && results != 0 && (op == ReduceOp::max || op == ReduceOp::min))
    fail(ErrorKind::value, call,
         std::string(reduce_codes().names[attributes.op]) + " of no elements, x has shape " +
             shape_text(x));
  const DType dtype = x.dtype;
  if (!empty) {
    const Folder folder = folder_for(op, dtype);
    const ReducePlan plan = plan_reduction(x, attributes.axes, folder.whole_rows);
    if (const int64_t bytes = scratch_bytes(plan, folder, x)) {
      call.resize(Scratch, 1);
      call.set_scratch(Scratch, bytes);
    }
  }
  call.set_output(Y, kResult[attributes.op] == 'b' ? DType::boolean : dtype, rank, shape);
}

template <class T>
void fill(const Array& y, T value) {
  T* to = y.as<T>();
  for (int64_t i = 0, n = y.size(); i < n; ++i) to[i] = value;
}

// What a reduction of no elements gives.
void fill_empty(ReduceOp op, const Array& y) {
  double value = 0;
  if (op == ReduceOp::mean) value = NAN;
  if (op == ReduceOp::prod || op == ReduceOp::all) value = 1;
  if (op == ReduceOp::logsumexp) value = -INFINITY;
  switch (y.dtype) {
    case DType::float32:
      return fill(y, static_cast<float>(value));
    case DType::float64:
      return fill(y, value);
    case DType::int32:
      return fill(y, static_cast<int32_t>(value));
    case DType::int64:
      return fill(y, static_cast<int64_t>(value));
    default:
      return fill(y, static_cast<uint8_t>(value));
  }
}

template <class T>
void divide(const Array& y, int64_t count) {
  T* to = y.as<T>();
  for (int64_t i = 0, n = y.size(); i < n; ++i) to[i] /= static_cast<T>(count);
}

Status run_reduce(const Call& call) {
  const auto& attributes = call.attributes.as<ReduceAttributes>();
  const ReduceOp op = static_cast<ReduceOp>(attributes.op);
  const Array &x = call.operand(X), &y = call.operand(Y);
  if (x.size() == 0) {
    fill_empty(op, y);
    return {};
  }
  Folder folder = folder_for(op, x.dtype);
  const ReducePlan plan = plan_reduction(x, attributes.axes, folder.whole_rows);
  char* scratch = call.has(Scratch) ? call.operand(Scratch).data : nullptr;
  const char* from = x.data;
  if (plan.copied) {
    pack_for_reduction(plan, x, scratch);
    from = scratch;
    scratch += (x.bytes() + 63) / 64 * 64;
  }
  DType dtype = x.dtype;
  for (int i = 0; i < plan.count; ++i) {
    const ReducePass& pass = plan.passes[i];
    const int64_t bytes = pass.outer * pass.inner * item_size(folder.result);
    char *to = y.data, *partial = scratch;
    if (i + 1 < plan.count) {
      to = scratch;
      scratch += (bytes + 63) / 64 * 64;
      partial = scratch;
    }
    run_pass(folder, dtype, pass, from, to, partial);
    from = to;
    if (i == 0 && plan.count > 1) {
      // Later passes join results: squares and magnitudes are added, truths looked at as truths.
      dtype = folder.result;
      const bool adds = op == ReduceOp::sum_squares || op == ReduceOp::abs_sum;
      folder = folder_for(adds ? ReduceOp::sum : op, dtype);
    }
  }
  if (op == ReduceOp::mean) {
    const int64_t count = x.size() / y.size();
    x.dtype == DType::float32 ? divide<float>(y, count) : divide<double>(y, count);
  }
  return {};
}

}  // namespace

int reduced_shape(const Array& x, int64_t axes, bool keepdims, int64_t* shape) {
  int rank = 0;
  for (int axis = 0; axis < x.rank; ++axis)
    if (!(axes >> axis & 1))
      shape[rank++] = x.shape[axis];
    else if (keepdims)
      shape[rank++] = 1;
  return rank;
}

Folder folder_for(ReduceOp op, DType dtype) {
  const KernelTable& table = kernels();
  const int i = static_cast<int>(dtype);
  if (op == ReduceOp::any || op == ReduceOp::all) {
    constexpr int boolean = static_cast<int>(DType::boolean);
    return {op == ReduceOp::any ? kFoldMax : kFoldMin, DType::boolean,
            table.reduce_exact.truth_rows[i],          table.reduce_exact.truth_columns[i],
            table.reduce_exact.merge[boolean],         false};
  }
  if (op == ReduceOp::logsumexp)
    return {kFoldSum, dtype, table.softmax.logsumexp[i], nullptr, nullptr, true};
  int fold = kFoldSum;
  if (op == ReduceOp::max) fold = kFoldMax;
  if (op == ReduceOp::min) fold = kFoldMin;
  if (op == ReduceOp::prod) fold = kFoldProd;
  if (op == ReduceOp::sum_squares) fold = kFoldSquares;
  if (op == ReduceOp::abs_sum) fold = kFoldMagnitudes;
  if (is_float(dtype))
    return {fold, dtype, table.reduce.rows[i], table.reduce.columns[i], table.reduce.merge[i],
            false};
  return {fold,
          dtype,
          table.reduce_exact.rows[i],
          table.reduce_exact.columns[i],
          table.reduce_exact.merge[i],
          false};
}

void register_reduce() {
  register_primitive(
      {"reduce",
       {{"y", Role::out}, {"x", Role::in, false, false, true}, {"scratch", Role::scratch, true}},
       {{"op", AttributeKind::code, offsetof(ReduceAttributes, op), 0, reduce_codes},
        {"axes", AttributeKind::axes, offsetof(ReduceAttributes, axes)},
        {"keepdims", AttributeKind::boolean, offsetof(ReduceAttributes, keepdims)}},
       infer_reduce,
       run_reduce});
  register_arg_reduce();
  register_reduce_list();
}

}  // namespace fastnn
