// gemm: C = activation(alpha * A @ B + beta * C0 + bias + residual), batched.
#include "ops/gemm.h"

#include <cstddef>

#include "core/thread_pool.h"
#include "ops/all.h"
#include "ops/checks.h"

namespace fastnn {
namespace {

enum { C, Z, A, B, Bias, Residual, C0, Scratch };

struct GemmAttributes {
  int64_t trans_a, trans_b;
  double alpha, beta;
  int64_t activation;
  double a;
  int64_t want_preactivation;
};

// The last two axes of an operand as the matrix that the product reads.
struct Matrix {
  int64_t rows, columns, row_stride, column_stride;
};

Matrix matrix_of(const Array& array, bool transposed) {
  const int r = array.rank - 2, c = array.rank - 1;
  Matrix matrix{array.shape[r], array.shape[c], array.strides[r], array.strides[c]};
  if (transposed) {
    std::swap(matrix.rows, matrix.columns);
    std::swap(matrix.row_stride, matrix.column_stride);
  }
  return matrix;
}

void check_matrix(const Call& call, int operand) {
  const Array& array = call.operand(operand);
  if (array.rank < 2)
    fail(ErrorKind::value, call,
         operand_name(call, operand) + " has shape " + shape_text(array) +
             ", expected at least 2 axes");
}

void check_shape(const Call& call, int operand, int rank, const int64_t* shape, const char* what) {
  if (!call.has(operand)) return;
  check_same_dtype(call, A, operand);
  const Array& array = call.operand(operand);
  bool same = array.rank == rank;
  for (int axis = 0; same && axis < rank; ++axis) same = array.shape[axis] == shape[axis];
  if (!same)
    fail(ErrorKind::value, call,
         operand_name(call, operand) + " has shape " + shape_text(array) + ", expected " +
             shape_text(rank, shape) + ", " + what);
}

// The leading axes of C: those of A and B, broadcast. Returns the rank of C.
int result_shape(const Call& call, const Matrix& a, const Matrix& b, int64_t* shape) {
  const Array &x = call.operand(A), &y = call.operand(B);
  const int rank = x.rank > y.rank ? x.rank : y.rank;
  for (int axis = 0; axis < rank - 2; ++axis) {
    const int in_x = axis - (rank - x.rank), in_y = axis - (rank - y.rank);
    const int64_t p = in_x < 0 ? 1 : x.shape[in_x], q = in_y < 0 ? 1 : y.shape[in_y];
    if (p != q && p != 1 && q != 1)
      fail(ErrorKind::value, call,
           "the leading axes of A with shape " + shape_text(x) + " and B with shape " +
               shape_text(y) + " cannot be broadcast together");
    shape[axis] = p == 1 ? q : p;
  }
  shape[rank - 2] = a.rows;
  shape[rank - 1] = b.columns;
  return rank;
}

void infer_gemm(Call& call) {
  const auto& attributes = call.attributes.as<GemmAttributes>();
  check_float(call, A);
  check_same_dtype(call, A, B);
  check_matrix(call, A);
  check_matrix(call, B);
  const Array &x = call.operand(A), &y = call.operand(B);
  const Matrix a = matrix_of(x, attributes.trans_a), b = matrix_of(y, attributes.trans_b);
  if (a.columns != b.rows)
    fail(ErrorKind::value, call,
         "B has shape " + shape_text(y) + (attributes.trans_b ? " (transposed)" : "") +
             " with inner axis " + std::to_string(b.rows) + " but A with shape " + shape_text(x) +
             (attributes.trans_a ? " (transposed)" : "") + " has " + std::to_string(a.columns));
  int64_t shape[kMaxRank];
  const int rank = result_shape(call, a, b, shape);
  check_extents(call, rank, shape);
  check_shape(call, Bias, 1, shape + rank - 1, "one value a column of the product");
  check_shape(call, Residual, rank, shape, "the shape of the product");
  check_shape(call, C0, rank, shape, "the shape of the product");
  check_activation(call, attributes.activation);

  const DType dtype = x.dtype;
  call.resize(Z, attributes.want_preactivation ? 1 : 0);
  if (attributes.want_preactivation) call.set_output(Z, dtype, rank, shape);
  call.set_output(C, dtype, rank, shape);
  call.set_scratch(Scratch, 0);
}

double gemm_cost(const Call& call) {
  const auto& attributes = call.attributes.as<GemmAttributes>();
  return 2.0 * static_cast<double>(call.operand(C).size()) *
         static_cast<double>(matrix_of(call.operand(A), attributes.trans_a).columns);
}

}  // namespace

void check_activation(const Call& call, int64_t code) {
  const UnaryOp op = static_cast<UnaryOp>(code);
  if (op == UnaryOp::logical_not || op == UnaryOp::isfinite || op == UnaryOp::isnan)
    fail(ErrorKind::value, call,
         "activation is " + std::string(unary_codes().names[code]) +
             ", expected a function whose result is floating-point");
}

void register_gemm() {
  Primitive gemm;
  gemm.name = "gemm";
  gemm.operands = {{"C", Role::out},
                   {"z", Role::out, true},
                   {"A", Role::in, false, false, true},
                   {"B", Role::in, false, false, true},
                   {"bias", Role::in, true},
                   {"residual", Role::in, true},
                   {"C0", Role::in, true},
                   {"scratch", Role::scratch}};
  gemm.attributes = {
      {"trans_a", AttributeKind::boolean, offsetof(GemmAttributes, trans_a)},
      {"trans_b", AttributeKind::boolean, offsetof(GemmAttributes, trans_b)},
      {"alpha", AttributeKind::real, offsetof(GemmAttributes, alpha), 1},
      {"beta", AttributeKind::real, offsetof(GemmAttributes, beta), 1},
      {"activation", AttributeKind::code, offsetof(GemmAttributes, activation), 0, unary_codes},
      {"a", AttributeKind::real, offsetof(GemmAttributes, a)},
      {"want_preactivation", AttributeKind::boolean, offsetof(GemmAttributes, want_preactivation)}};
  gemm.infer = infer_gemm;
  gemm.cost = gemm_cost;
  register_primitive(std::move(gemm));
  register_dense_backward();
}

}  // namespace fastnn
