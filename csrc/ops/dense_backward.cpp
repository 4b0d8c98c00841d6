// dense_backward: the gradients of y = activation(x @ w + b), for x [m, k], w [k, n], dy [m, n].
//
//   g  = dy * activation'(value)
//   dx = g @ w^T    dw = x^T @ g    db = the sum of g over its rows
#include <algorithm>
#include <cstddef>

#include "core/kernel_table.h"
#include "core/thread_pool.h"
#include "ops/checks.h"
#include "ops/gemm.h"
#include "ops/strided.h"

namespace fastnn {
namespace {

enum { Dx, Dw, Db, Dy, X, W, Value, Scratch };

struct DenseBackwardAttributes {
  int64_t activation;
  double a;
  int64_t want_dx, want_dw, want_db;
};

// The three products. The signal g is dy itself for a linear layer, else it lies in the scratch
// memory.
struct Gradients {
  int64_t signal_bytes = 0;
  GemmProblem dx, dw, db;

  explicit Gradients(const Call& call) {
    const Array &dy = call.operand(Dy), &x = call.operand(X), &w = call.operand(W);
    const int64_t m = x.shape[0], k = x.shape[1], n = w.shape[1];
    const char* signal = dy.data;
    if (call.attributes.as<DenseBackwardAttributes>().activation !=
        static_cast<int64_t>(UnaryOp::linear)) {
      signal_bytes = (dy.bytes() + 63) / 64 * 64;
      signal = call.operand(Scratch).data;
    }
    dx = product(dy.dtype, m, k, n, signal, n, 1, w.data, 1, n);
    dw = product(dy.dtype, k, n, m, x.data, 1, k, signal, n, 1);
    db = sum_of_rows(dy.dtype, m, n, signal, nullptr);
    if (call.has(Dx)) dx.c = call.operand(Dx).data;
    if (call.has(Dw)) dw.c = call.operand(Dw).data;
    if (call.has(Db)) db.c = call.operand(Db).data;
  }

 private:
  static GemmProblem product(DType dtype, int64_t m, int64_t n, int64_t k, const char* a,
                             int64_t a_row, int64_t a_k, const char* b, int64_t b_k,
                             int64_t b_column) {
    GemmProblem g;
    g.dtype = dtype;
    g.m = m;
    g.n = n;
    g.k = k;
    g.a = a;
    g.a_row = a_row;
    g.a_k = a_k;
    g.b = b;
    g.b_k = b_k;
    g.b_column = b_column;
    g.c_row = n;
    return g;
  }
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
  const Gradients gradients(call);
  int64_t products = 0;
  for (const GemmProblem* g : {&gradients.dx, &gradients.dw, &gradients.db})
    products = std::max(products, gemm_scratch_bytes(*g, thread_count()));
  call.set_scratch(Scratch, gradients.signal_bytes + products);
}

Status run_dense_backward(const Call& call) {
  const auto& attributes = call.attributes.as<DenseBackwardAttributes>();
  const Gradients gradients(call);
  const Array &dy = call.operand(Dy), &scratch = call.operand(Scratch);
  if (gradients.signal_bytes) {
    const UnaryBackwardKernel kernel =
        kernels().unary_backward.run[attributes.activation][static_cast<int>(dy.dtype)];
    const char* value = call.operand(Value).data;
    const int64_t element = item_size(dy.dtype);
    for_each_chunk(dy.size(), kCheapGrain, 64, [&](int64_t begin, int64_t end) {
      kernel(end - begin, dy.data + begin * element, value + begin * element,
             scratch.data + begin * element, attributes.a, 0);
    });
  }
  const int64_t threads = thread_count();
  char* buffer = scratch.data + gradients.signal_bytes;
  const int64_t room = scratch.size() - gradients.signal_bytes;
  if (attributes.want_dw) gemm(gradients.dw, threads, buffer, room);
  if (attributes.want_db) gemm(gradients.db, threads, buffer, room);
  if (attributes.want_dx) gemm(gradients.dx, threads, buffer, room);
  return {};
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
  primitive.native = run_dense_backward;
  primitive.cost = dense_backward_cost;
  register_primitive(std::move(primitive));
}

}  // namespace fastnn
