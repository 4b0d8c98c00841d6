// gemm: C = activation(alpha * A @ B + beta * C0 + bias + residual), batched.
#include "ops/gemm.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "core/kernel_table.h"
#include "ops/all.h"
#include "ops/checks.h"
#include "ops/deal.h"
#include "ops/strided.h"

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

// A batch whose products have fewer operations than these, all together, runs on the calling
// thread; a product that has more is itself worth several threads.
constexpr double kTeamFlops = 4e5;
constexpr double kSharedFlops = 8e6;

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

// All products of a call: the first one, how many there are, and the way to the others.
struct Batch {
  GemmProblem problem;
  int64_t count = 1;
  int rank = 0;  // of the leading axes
  int64_t shape[kMaxRank], a_strides[kMaxRank], b_strides[kMaxRank];

  // Offsets of product `index` in A and B, in elements.
  void offsets(int64_t index, int64_t* in_a, int64_t* in_b) const {
    *in_a = *in_b = 0;
    for (int axis = rank - 1; axis >= 0; --axis) {
      const int64_t i = index % shape[axis];
      index /= shape[axis];
      *in_a += i * a_strides[axis];
      *in_b += i * b_strides[axis];
    }
  }
};

void leading_strides(const Array& array, int rank, int64_t* strides) {
  const int missing = rank - (array.rank - 2);
  for (int axis = 0; axis < rank; ++axis) {
    const int own = axis - missing;
    strides[axis] = own < 0 || array.shape[own] == 1 ? 0 : array.strides[own];
  }
}

Batch problem_of(const Call& call) {
  const auto& attributes = call.attributes.as<GemmAttributes>();
  const Array &x = call.operand(A), &y = call.operand(B), &out = call.operand(C);
  const Matrix a = matrix_of(x, attributes.trans_a), b = matrix_of(y, attributes.trans_b);
  Batch batch;
  GemmProblem& g = batch.problem;
  g.dtype = x.dtype;
  g.m = a.rows;
  g.n = b.columns;
  g.k = a.columns;
  g.a = x.data;
  g.a_row = a.row_stride;
  g.a_k = a.column_stride;
  g.b = y.data;
  g.b_k = b.row_stride;
  g.b_column = b.column_stride;
  g.c = out.data;
  g.c_row = g.n;
  g.alpha = attributes.alpha;
  g.beta = call.has(C0) ? attributes.beta : 0;
  if (call.has(C0)) g.c0 = call.operand(C0).data;
  if (call.has(Bias)) g.bias = call.operand(Bias).data;
  if (call.has(Residual)) g.residual = call.operand(Residual).data;
  g.packed_b = call.prepared;
  batch.rank = out.rank - 2;
  for (int axis = 0; axis < batch.rank; ++axis) {
    batch.shape[axis] = out.shape[axis];
    batch.count *= out.shape[axis];
  }
  // Many matrices times one: one tall product, if the rows follow each other.
  if (batch.rank > 0 && y.rank == 2 && !attributes.trans_a && x.contiguous()) {
    g.m *= batch.count;
    batch.count = 1;
    batch.rank = 0;
    return batch;
  }
  leading_strides(x, batch.rank, batch.a_strides);
  leading_strides(y, batch.rank, batch.b_strides);
  return batch;
}

// Small products, and those of a long batch, are dealt out whole; others share their tasks.
struct Sharing {
  int64_t slots, threads;  // products at the same time, and threads for each
};

Sharing share(const Batch& batch) {
  const GemmProblem& g = batch.problem;
  const int64_t threads = thread_count();
  const double flops =
      2.0 * static_cast<double>(g.m) * static_cast<double>(g.n) * static_cast<double>(g.k);
  if (batch.count == 1) return {1, threads};
  if (flops * static_cast<double>(batch.count) < kTeamFlops) return {1, 1};
  if (flops < kSharedFlops || batch.count >= 4 * threads)
    return {std::min(threads, batch.count), 1};
  return {1, threads};
}

// Scratch memory for one product, a multiple of 64 bytes.
int64_t scratch_room(const Batch& batch, const Sharing& sharing) {
  return aligned(gemm_scratch_bytes(batch.problem, sharing.threads));
}

const char* advance(const char* base, int64_t bytes) { return base ? base + bytes : nullptr; }

Status run_gemm(const Call& call) {
  const auto& attributes = call.attributes.as<GemmAttributes>();
  const Batch batch = problem_of(call);
  const Array &out = call.operand(C), &scratch = call.operand(Scratch);
  const auto activation = static_cast<UnaryOp>(attributes.activation);
  const bool relu = activation == UnaryOp::relu && !call.has(Z);
  // What is not done on the tile is a pass over the result.
  const bool pass = activation != UnaryOp::linear && !relu;
  char* product = call.has(Z) ? call.operand(Z).data : out.data;
  const int64_t element = item_size(out.dtype), size = batch.problem.m * batch.problem.n * element;
  Sharing sharing = share(batch);
  int64_t room = scratch_room(batch, sharing);
  if (room > scratch.size()) {  // the number of threads has changed since the memory was given out
    sharing = {1, 1};
    room = scratch_room(batch, sharing);
  }
  const int64_t slots = room ? std::min(sharing.slots, scratch.size() / room) : sharing.slots;
  deal(slots, batch.count, 1, 1, [&](int64_t index, int64_t, int64_t slot, int64_t) {
    GemmProblem g = batch.problem;
    int64_t in_a, in_b;
    batch.offsets(index, &in_a, &in_b);
    g.a += in_a * element;
    g.b += in_b * element;
    g.c = product + index * size;
    g.c0 = advance(g.c0, index * size);
    g.residual = advance(g.residual, index * size);
    g.relu = relu;
    gemm(g, sharing.threads, scratch.data + slot * room, slots == 1 ? scratch.size() : room);
  });
  if (pass) {
    const UnaryKernel kernel =
        kernels().unary.run[attributes.activation][static_cast<int>(out.dtype)];
    for_each_chunk(out.size(), kCostlyGrain, 64, [&](int64_t begin, int64_t end) {
      kernel(end - begin, product + begin * element, out.data + begin * element, attributes.a, 0);
    });
  } else if (call.has(Z)) {
    std::memcpy(out.data, product, static_cast<size_t>(out.bytes()));
  }
  return {};
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
  const Batch batch = problem_of(call);
  const Sharing sharing = share(batch);
  call.set_scratch(Scratch, sharing.slots * scratch_room(batch, sharing));
}

// B is the same for all products where there is one product.
int64_t prepared_bytes(const Call& call) {
  const Batch batch = problem_of(call);
  return batch.count == 1 ? gemm_packed_b_bytes(batch.problem) : 0;
}

void prepare(const Call& call, char* to) { gemm_pack_b(problem_of(call).problem, to); }

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
  gemm.native = run_gemm;
  gemm.preparable = B;
  gemm.prepared_bytes = prepared_bytes;
  gemm.prepare = prepare;
  gemm.cost = gemm_cost;
  register_primitive(std::move(gemm));
  register_dense_backward();
}

}  // namespace fastnn
