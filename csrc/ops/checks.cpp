#include "ops/checks.h"

namespace fastnn {

std::string shape_text(int rank, const int64_t* shape) {
  std::string text = "(";
  for (int axis = 0; axis < rank; ++axis) {
    text += std::to_string(shape[axis]);
    if (axis + 1 < rank) text += ", ";
  }
  return text + (rank == 1 ? ",)" : ")");
}

void fail(ErrorKind kind, const Call& call, const std::string& message) {
  throw Error(kind, call.name() + ": " + message);
}

std::string operand_name(const Call& call, int j) { return call.primitive->operands[j].name; }

void check_rank(const Call& call, int operand, int rank) {
  const Array& array = call.operand(operand);
  if (array.rank != rank)
    fail(ErrorKind::value, call,
         operand_name(call, operand) + " has shape " + shape_text(array) + ", expected " +
             std::to_string(rank) + (rank == 1 ? " axis" : " axes"));
}

void check_float(const Call& call, int operand) {
  const Array& array = call.operand(operand);
  if (!is_float(array.dtype))
    fail(ErrorKind::type, call,
         operand_name(call, operand) + " has dtype " + dtype_name(array.dtype) +
             ", expected float32 or float64");
}

void check_same_dtype(const Call& call, int first, int second) {
  const Array &a = call.operand(first), &b = call.operand(second);
  if (a.dtype != b.dtype)
    fail(ErrorKind::type, call,
         operand_name(call, second) + " has dtype " + dtype_name(b.dtype) + " but " +
             operand_name(call, first) + " has " + dtype_name(a.dtype));
}

void check_same_shape(const Call& call, int first, int second) {
  const Array &a = call.operand(first), &b = call.operand(second);
  if (!same_shape(a, b))
    fail(ErrorKind::value, call,
         operand_name(call, second) + " has shape " + shape_text(b) + " but " +
             operand_name(call, first) + " has " + shape_text(a));
}

void check_dtypes(const Call& call, int operand, std::initializer_list<DType> allowed) {
  const Array& array = call.operand(operand);
  std::string names;
  for (DType dtype : allowed) {
    if (array.dtype == dtype) return;
    names += (names.empty() ? "" : " or ") + std::string(dtype_name(dtype));
  }
  fail(ErrorKind::type, call,
       operand_name(call, operand) + " has dtype " + dtype_name(array.dtype) + ", expected " +
           names);
}

void check_axis(const Call& call, const char* name, int64_t axis, int rank) {
  if (axis < 0 || axis >= rank)
    fail(ErrorKind::value, call,
         std::string(name) + " is " + std::to_string(axis) + " but there are " +
             std::to_string(rank) + " axes");
}

int broadcast_shapes(const Call& call, const Array& a, const Array& b, int64_t* shape) {
  const int rank = a.rank > b.rank ? a.rank : b.rank;
  for (int axis = 0; axis < rank; ++axis) {
    const int in_a = axis - (rank - a.rank), in_b = axis - (rank - b.rank);
    const int64_t m = in_a < 0 ? 1 : a.shape[in_a], n = in_b < 0 ? 1 : b.shape[in_b];
    if (m != n && m != 1 && n != 1)
      fail(ErrorKind::value, call,
           "shapes " + shape_text(a) + " and " + shape_text(b) + " cannot be broadcast together");
    shape[axis] = m == 1 ? n : m;
  }
  return rank;
}

void check_extents(const Call& call, int rank, const int64_t* shape) {
  int64_t size = 1;
  bool overflow = false;
  for (int axis = 0; axis < rank; ++axis) {
    if (shape[axis] < 0)
      fail(ErrorKind::value, call, "negative extent in shape " + shape_text(rank, shape));
    if (shape[axis] != 0 && size > (int64_t{1} << 59) / shape[axis]) overflow = true;
    if (!overflow) size *= shape[axis];
  }
  for (int axis = 0; axis < rank; ++axis)
    if (shape[axis] == 0) overflow = false;
  if (overflow)
    fail(ErrorKind::overflow, call, "shape " + shape_text(rank, shape) + " is too large");
}

}  // namespace fastnn
