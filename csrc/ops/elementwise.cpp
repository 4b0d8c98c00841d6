// unary, unary_backward, binary and select.
#include "ops/elementwise.h"

#include <algorithm>

#include "ops/all.h"
#include "ops/checks.h"
#include "ops/strided.h"

namespace fastnn {
namespace {

// ---- What an operation may be applied to (op_codes.h) -------------------------------------------

enum class Class { F, N, A, I, FB, AB };
enum class Reads { n, x, y, z };
enum class Result { s, b };
struct UnaryRow {
  Reads reads;
  Class dtypes;
};
struct BinaryRow {
  Class dtypes;
  Result result;
};
#define FASTNN_ROW(name, reads, dtypes) {Reads::reads, Class::dtypes},
constexpr UnaryRow kUnary[] = {FASTNN_UNARY_OPS(FASTNN_ROW)};
#undef FASTNN_ROW
#define FASTNN_ROW(name, dtypes, result) {Class::dtypes, Result::result},
constexpr BinaryRow kBinary[] = {FASTNN_BINARY_OPS(FASTNN_ROW)};
#undef FASTNN_ROW

bool allowed(Class dtypes, DType dtype) {
  switch (dtypes) {
    case Class::F:
    case Class::FB:
      return is_float(dtype);
    case Class::N:
      return dtype != DType::boolean;
    case Class::I:
      return !is_float(dtype);
    default:
      return true;
  }
}

const char* class_text(Class dtypes) {
  switch (dtypes) {
    case Class::F:
    case Class::FB:
      return "float32 or float64";
    case Class::N:
      return "a number";
    case Class::I:
      return "an integer or bool";
    default:
      return "any";
  }
}

void check_class(const Call& call, int operand, const char* op, Class dtypes) {
  const Array& array = call.operand(operand);
  if (!allowed(dtypes, array.dtype))
    fail(ErrorKind::type, call,
         operand_name(call, operand) + " has dtype " + dtype_name(array.dtype) + " but " + op +
             " takes " + class_text(dtypes));
}

// Elementary functions are worth a thread earlier than sums are.
int64_t grain_of(const UnaryAttributes& attributes) {
  switch (static_cast<UnaryOp>(attributes.op)) {
    case UnaryOp::linear:
    case UnaryOp::neg:
    case UnaryOp::abs:
    case UnaryOp::sign:
    case UnaryOp::square:
    case UnaryOp::relu:
    case UnaryOp::leaky_relu:
    case UnaryOp::floor:
    case UnaryOp::ceil:
    case UnaryOp::round:
    case UnaryOp::logical_not:
    case UnaryOp::isfinite:
    case UnaryOp::isnan:
      return kCheapGrain;
    default:
      return kCostlyGrain;
  }
}

// ---- unary(y; x; op, a, b) ----------------------------------------------------------------------

void infer_unary(Call& call) {
  const Array& x = call.operand(1);
  const auto& attributes = call.attributes.as<UnaryAttributes>();
  const Class dtypes = kUnary[attributes.op].dtypes;
  if (!allowed(dtypes, x.dtype)) check_class(call, 1, unary_codes().names[attributes.op], dtypes);
  const bool predicate = dtypes == Class::FB || dtypes == Class::AB;
  call.set_output(0, predicate ? DType::boolean : x.dtype, x.rank, x.shape);
}

Status run_unary(const Call& call) {
  const Array &y = call.operand(0), &x = call.operand(1);
  const auto& attributes = call.attributes.as<UnaryAttributes>();
  const UnaryKernel kernel = kernels().unary.run[attributes.op][static_cast<int>(x.dtype)];
  const int64_t grain = grain_of(attributes), in = item_size(x.dtype), out = item_size(y.dtype);
  if (x.contiguous()) {
    for_each_chunk(y.size(), grain, 64, [&](int64_t begin, int64_t end) {
      kernel(end - begin, x.data + begin * in, y.data + begin * out, attributes.a, attributes.b);
    });
    return {};
  }
  const Array* operands[] = {&x};
  StridedLoop loop(y.rank, y.shape, 1, operands);
  loop.run(grain, [&](int64_t begin, int64_t n, const char* const* from) {
    kernel(n, from[0], y.data + begin * out, attributes.a, attributes.b);
  });
  return {};
}

// ---- unary_backward(dx; dy, value; op, a, b) ----------------------------------------------------

void infer_unary_backward(Call& call) {
  const auto& attributes = call.attributes.as<UnaryAttributes>();
  const auto op = static_cast<UnaryOp>(attributes.op);
  check_float(call, 1);
  check_same_dtype(call, 1, 2);
  check_same_shape(call, 1, 2);
  if (kUnary[attributes.op].reads == Reads::z)
    fail(ErrorKind::value, call,
         std::string(unary_codes().names[attributes.op]) + " has no derivative");
  // Its derivative is told from the sign of the output.
  if (op == UnaryOp::elu && attributes.a < 0)
    fail(ErrorKind::value, call,
         "elu needs a >= 0 to be differentiable, got " + std::to_string(attributes.a));
  call.set_output_like(0, call.operand(1));
}

Status run_unary_backward(const Call& call) {
  const Array &dx = call.operand(0), &dy = call.operand(1), &value = call.operand(2);
  const auto& attributes = call.attributes.as<UnaryAttributes>();
  const UnaryBackwardKernel kernel =
      kernels().unary_backward.run[attributes.op][static_cast<int>(dx.dtype)];
  const int64_t item = item_size(dx.dtype);
  for_each_chunk(dx.size(), grain_of(attributes), 64, [&](int64_t begin, int64_t end) {
    kernel(end - begin, dy.data + begin * item, value.data + begin * item, dx.data + begin * item,
           attributes.a, attributes.b);
  });
  return {};
}

// ---- binary(y; x1, x2; op) ----------------------------------------------------------------------

void infer_binary(Call& call) {
  const Array &x1 = call.operand(1), &x2 = call.operand(2);
  const auto& attributes = call.attributes.as<BinaryAttributes>();
  const BinaryRow row = kBinary[attributes.op];
  if (x1.dtype != x2.dtype) check_same_dtype(call, 1, 2);
  const auto op = static_cast<BinaryOp>(attributes.op);
  if (!allowed(row.dtypes, x1.dtype)) check_class(call, 1, operation_name(op), row.dtypes);
  if (x1.dtype == DType::boolean && (op == BinaryOp::left_shift || op == BinaryOp::right_shift))
    check_class(call, 1, operation_name(op), Class::N);
  const DType dtype = row.result == Result::b ? DType::boolean : x1.dtype;
  if (same_shape(x1, x2)) {
    call.set_output(0, dtype, x1.rank, x1.shape);
    return;
  }
  int64_t shape[kMaxRank];
  const int rank = broadcast_shapes(call, 1, 2, shape);
  check_extents(call, rank, shape);
  call.set_output(0, dtype, rank, shape);
}

// Whether the operand lies exactly as the result does.
bool like_result(const Array& x, const Array& y) { return same_shape(x, y) && x.contiguous(); }

constexpr int64_t kLeastRow = 160, kLongRow = 16384;  // elements

// The operand that has one element for each row of the result, or for all, if the other lies as the
// rows do and these are long, or there is a single one; -1 if there is none.
int one_in_long_rows(const StridedLoop& loop) {
  if (loop.rank > 1 && loop.columns() < kLeastRow) return -1;
  for (const int one : {1, 0})
    if (loop.column_stride(one) == 0 && (loop.column_stride(1 - one) == 1 || loop.columns() == 1))
      return one;
  return -1;
}

Status run_binary(const Call& call) {
  const Array &y = call.operand(0), &x1 = call.operand(1), &x2 = call.operand(2);
  const auto op = call.attributes.as<BinaryAttributes>().op;
  const BinaryKernel kernel = kernels().binary.run[op][static_cast<int>(x1.dtype)];
  const int64_t in = item_size(x1.dtype), out = item_size(y.dtype);
  // Powers by one number are products or roots if they can be, also where there is one result.
  const bool is_power = op == static_cast<int64_t>(BinaryOp::pow);
  if (like_result(x1, y) && like_result(x2, y) && !(is_power && y.size() == 1)) {
    for_each_chunk(y.size(), kCheapGrain, 64, [&](int64_t begin, int64_t end) {
      kernel(end - begin, x1.data + begin * in, x2.data + begin * in, y.data + begin * out);
    });
    return {};
  }
  const Array* operands[] = {&x1, &x2};
  StridedLoop loop(y.rank, y.shape, 2, operands);
  if (const int one = one_in_long_rows(loop); one >= 0 && (!is_power || x2.size() == 1)) {
    if (const BinaryKernel with_one =
            kernels().binary.with_one[op][static_cast<int>(x1.dtype)][one]) {
      loop.cut(std::min(loop.columns(), kLongRow));
      loop.each(kCheapGrain, [&](const StridedLoop::Tile& at) {
        with_one(at.columns, at.data[0], at.data[1], y.data + at.begin * out);
      });
      return {};
    }
  }
  loop.run(kCheapGrain, [&](int64_t begin, int64_t n, const char* const* from) {
    kernel(n, from[0], from[1], y.data + begin * out);
  });
  return {};
}

// ---- select(y; mask, a, b) ----------------------------------------------------------------------

void infer_select(Call& call) {
  check_dtypes(call, 1, {DType::boolean});
  check_same_dtype(call, 2, 3);
  int64_t shape[kMaxRank];
  int rank = broadcast_shapes(call, 2, 3, shape);
  // The third operand, against the shape of the other two.
  const Array& mask = call.operand(1);
  const int full = mask.rank > rank ? mask.rank : rank;
  int64_t result[kMaxRank];
  for (int axis = 0; axis < full; ++axis) {
    const int in_mask = axis - (full - mask.rank), in_values = axis - (full - rank);
    const int64_t m = in_mask < 0 ? 1 : mask.shape[in_mask];
    const int64_t n = in_values < 0 ? 1 : shape[in_values];
    if (m != n && m != 1 && n != 1)
      fail(ErrorKind::value, call,
           "mask has shape " + shape_text(mask) + ", which cannot be broadcast with " +
               shape_text(rank, shape) + " of the values");
    result[axis] = m == 1 ? n : m;
  }
  check_extents(call, full, result);
  call.set_output(0, call.operand(2).dtype, full, result);
}

Status run_select(const Call& call) {
  const Array &y = call.operand(0), &mask = call.operand(1), &a = call.operand(2),
              &b = call.operand(3);
  const SelectKernel kernel = kernels().binary.select[static_cast<int>(y.dtype)];
  const int64_t item = item_size(y.dtype);
  if (like_result(mask, y) && like_result(a, y) && like_result(b, y)) {
    for_each_chunk(y.size(), kCheapGrain, 64, [&](int64_t begin, int64_t end) {
      kernel(end - begin, mask.as<uint8_t>() + begin, a.data + begin * item, b.data + begin * item,
             y.data + begin * item);
    });
    return {};
  }
  const Array* operands[] = {&mask, &a, &b};
  StridedLoop loop(y.rank, y.shape, 3, operands);
  loop.run(kCheapGrain, [&](int64_t begin, int64_t n, const char* const* from) {
    kernel(n, reinterpret_cast<const uint8_t*>(from[0]), from[1], from[2], y.data + begin * item);
  });
  return {};
}

}  // namespace

void register_elementwise() {
  const AttributeInfo op = {"op", AttributeKind::code, offsetof(UnaryAttributes, op), 0,
                            unary_codes};
  const AttributeInfo a = {"a", AttributeKind::real, offsetof(UnaryAttributes, a)};
  const AttributeInfo b = {"b", AttributeKind::real, offsetof(UnaryAttributes, b)};
  register_primitive({"unary",
                      {{"y", Role::out}, {"x", Role::in, false, false, true}},
                      {op, a, b},
                      infer_unary,
                      run_unary,
                      nullptr,
                      nullptr,
                      {{0, 1}}});
  register_primitive({"unary_backward",
                      {{"dx", Role::out}, {"dy", Role::in}, {"value", Role::in}},
                      {op, a, b},
                      infer_unary_backward,
                      run_unary_backward,
                      nullptr,
                      nullptr,
                      {{0, 1}, {0, 2}}});
  register_primitive(
      {"binary",
       {{"y", Role::out},
        {"x1", Role::in, false, false, true},
        {"x2", Role::in, false, false, true}},
       {{"op", AttributeKind::code, offsetof(BinaryAttributes, op), 0, binary_codes}},
       infer_binary,
       run_binary,
       nullptr,
       nullptr,
       {{0, 1}, {0, 2}}});
  register_primitive({"select",
                      {{"y", Role::out},
                       {"mask", Role::in, false, false, true},
                       {"a", Role::in, false, false, true},
                       {"b", Role::in, false, false, true}},
                      {},
                      infer_select,
                      run_select,
                      nullptr,
                      nullptr,
                      {{0, 2}, {0, 3}}});
}

}  // namespace fastnn
