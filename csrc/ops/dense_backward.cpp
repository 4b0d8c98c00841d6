// dense_backward: the gradients of y = activation(x @ w + b), for x [m, k], w [k, n], dy [m, n].
//
//   g  = dy * activation'(value)
//   dx = g @ w^T    dw = x^T @ g    db = the sum of g over its rows
#include <cstddef>

#include "ops/checks.h"
#include "ops/gemm.h"

namespace fastnn {
namespace {

enum { Dx, Dw, Db, Dy, X, W, Value, Scratch };

struct DenseBackwardAttributes {
  int64_t activation;
  double a;
  int64_t want_dx, want_dw, want_db;
};

void infer_dense_backward(Call& call) {
  const auto& attributes = call.attributes.as<DenseBackwardAttributes>();
  check_float(call, Dy);
  for (int operand : {X, W, Value}) check_same_dtype(call, Dy, operand);
  for (int operand : {Dy, X, W}) check_rank(call, operand, 2);
  check_same_shape(call, Dy, Value);
  const Array &dy = call.operand(Dy), &x = call.operand(X), &w = call.operand(W);
  if (x.shape[0] != dy.shape[0])
    fail(ErrorKind::value, call,
         "x has shape " + shape_text(x) + " but dy with shape " + shape_text(dy) + " has " +
             std::to_string(dy.shape[0]) + " rows");
  if (w.shape[0] != x.shape[1] || w.shape[1] != dy.shape[1])
    fail(ErrorKind::value, call,
         "w has shape " + shape_text(w) + " but x has " + std::to_string(x.shape[1]) +
             " columns and dy " + std::to_string(dy.shape[1]));
  check_activation(call, attributes.activation);
  call.resize(Dx, attributes.want_dx ? 1 : 0);
  call.resize(Dw, attributes.want_dw ? 1 : 0);
  call.resize(Db, attributes.want_db ? 1 : 0);
  if (attributes.want_dx) call.set_output_like(Dx, call.operand(X));
  if (attributes.want_dw) call.set_output_like(Dw, call.operand(W));
  const DType dtype = call.operand(Dy).dtype;
  const int64_t columns = call.operand(Dy).shape[1];
  if (attributes.want_db) call.set_output(Db, dtype, 1, &columns);
  call.set_scratch(Scratch, 0);
}

double dense_backward_cost(const Call& call) {
  const auto& attributes = call.attributes.as<DenseBackwardAttributes>();
  const Array &x = call.operand(X), &w = call.operand(W);
  return 2.0 * static_cast<double>(x.size()) * static_cast<double>(w.shape[1]) *
         static_cast<double>(attributes.want_dx + attributes.want_dw);
}

}  // namespace

void register_dense_backward() {
  Primitive primitive;
  primitive.name = "dense_backward";
  primitive.operands = {{"dx", Role::out, true}, {"dw", Role::out, true},   {"db", Role::out, true},
                        {"dy", Role::in},        {"x", Role::in},           {"w", Role::in},
                        {"value", Role::in},     {"scratch", Role::scratch}};
  primitive.attributes = {
      {"activation", AttributeKind::code, offsetof(DenseBackwardAttributes, activation), 0,
       unary_codes},
      {"a", AttributeKind::real, offsetof(DenseBackwardAttributes, a)},
      {"want_dx", AttributeKind::boolean, offsetof(DenseBackwardAttributes, want_dx), 1},
      {"want_dw", AttributeKind::boolean, offsetof(DenseBackwardAttributes, want_dw), 1},
      {"want_db", AttributeKind::boolean, offsetof(DenseBackwardAttributes, want_db), 1}};
  primitive.infer = infer_dense_backward;
  primitive.cost = dense_backward_cost;
  register_primitive(std::move(primitive));
}

}  // namespace fastnn
