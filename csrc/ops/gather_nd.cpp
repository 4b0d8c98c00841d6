// gather_nd and scatter_nd_add: blocks of x chosen by tuples of indices, as tf.gather_nd.
//
// indices is [batch..., n..., depth]; a tuple addresses `depth` axes of x after the batch axes, the
// axes that remain are one block. Negative indices count from the end.
#include <cstring>

#include "ops/all.h"
#include "ops/checks.h"
#include "ops/indices.h"
#include "ops/strided.h"

namespace fastnn {

void register_gather_nd();

namespace {

struct GatherNdAttributes {
  int64_t batch_dims;
};

struct Extents {
  int depth, batch_dims;
  int64_t batch = 1, tuples = 1, addressed = 1, block = 1;  // x is [batch, addressed, block]
};

Extents extents_of(const Array& x, const Array& indices, int64_t batch_dims) {
  Extents e;
  e.batch_dims = static_cast<int>(batch_dims);
  e.depth = static_cast<int>(indices.shape[indices.rank - 1]);
  for (int i = 0; i < e.batch_dims; ++i) e.batch *= x.shape[i];
  for (int i = e.batch_dims; i + 1 < indices.rank; ++i) e.tuples *= indices.shape[i];
  for (int i = 0; i < e.depth; ++i) e.addressed *= x.shape[e.batch_dims + i];
  for (int i = e.batch_dims + e.depth; i < x.rank; ++i) e.block *= x.shape[i];
  return e;
}

// Checks x and indices; the shape of the result into `shape`, its rank returned.
int gathered_shape(const Call& call, const Array& x, const Array& indices, int64_t batch_dims,
                   int64_t* shape) {
  if (indices.rank == 0) fail(ErrorKind::value, call, "indices has no axis");
  const int64_t depth = indices.shape[indices.rank - 1];
  if (batch_dims < 0 || batch_dims >= indices.rank || batch_dims > x.rank)
    fail(ErrorKind::value, call,
         "batch_dims is " + std::to_string(batch_dims) + " but indices has shape " +
             shape_text(indices) + " and x " + shape_text(x));
  if (depth > x.rank - batch_dims)
    fail(ErrorKind::value, call,
         "indices has shape " + shape_text(indices) + ", so tuples of " + std::to_string(depth) +
             ", but x has shape " + shape_text(x) + " and batch_dims is " +
             std::to_string(batch_dims));
  for (int i = 0; i < batch_dims; ++i)
    if (indices.shape[i] != x.shape[i])
      fail(ErrorKind::value, call,
           "indices has shape " + shape_text(indices) + " but x " + shape_text(x) +
               ": their first " + std::to_string(batch_dims) + " axes differ");
  const int64_t rank = indices.rank - 1 + x.rank - batch_dims - depth;
  if (rank > kMaxRank)
    fail(ErrorKind::value, call, "the result would have " + std::to_string(rank) + " axes");
  int next = 0;
  for (int i = 0; i + 1 < indices.rank; ++i) shape[next++] = indices.shape[i];
  for (int i = static_cast<int>(batch_dims + depth); i < x.rank; ++i) shape[next++] = x.shape[i];
  return next;
}

Status check_tuples(const Array& x, const Array& indices, const Extents& e) {
  for (int d = 0; d < e.depth; ++d) {
    const int axis = e.batch_dims + d;
    const Status status =
        check_indices(indices, d, e.depth, e.batch * e.tuples, -x.shape[axis], x.shape[axis], axis);
    if (status.code != 0) return status;
  }
  return {};
}

// The number of the block that tuple t addresses.
int64_t block_of(const Array& x, const Array& indices, const Extents& e, int64_t t) {
  int64_t position = 0;
  for (int d = 0; d < e.depth; ++d) {
    const int64_t n = x.shape[e.batch_dims + d];
    position = position * n + row_at(indices, t * e.depth + d, n);
  }
  return t / e.tuples * e.addressed + position;
}

Error describe_gather_nd(const Call& call, const Status& status) {
  const int x = call.primitive->operands[0].role == Role::out ? 1 : 0;
  return describe_index(call, status, call.operand(x).shape[status.code - 1]);
}

void infer_gather_nd(Call& call) {
  const Array x = call.operand(1), indices = call.operand(2);
  check_dtypes(call, 2, {DType::int32, DType::int64});
  int64_t shape[kMaxRank];
  const int rank =
      gathered_shape(call, x, indices, call.attributes.as<GatherNdAttributes>().batch_dims, shape);
  check_extents(call, rank, shape);
  call.set_output(0, x.dtype, rank, shape);
}

Status run_gather_nd(const Call& call) {
  const Array &y = call.operand(0), &x = call.operand(1), &indices = call.operand(2);
  const Extents e = extents_of(x, indices, call.attributes.as<GatherNdAttributes>().batch_dims);
  const Status status = check_tuples(x, indices, e);
  if (status.code != 0 || y.size() == 0) return status;
  const int64_t bytes = e.block * item_size(x.dtype), grain = kCheapGrain / 4 / e.block;
  for_each_chunk(e.batch * e.tuples, grain > 0 ? grain : 1, 1, [&](int64_t first, int64_t last) {
    for (int64_t t = first; t < last; ++t)
      std::memcpy(y.data + t * bytes, x.data + block_of(x, indices, e, t) * bytes,
                  static_cast<size_t>(bytes));
  });
  return {};
}

void infer_scatter_nd_add(Call& call) {
  const Array &y = call.operand(0), &updates = call.operand(1), &indices = call.operand(2);
  check_same_dtype(call, 0, 1);
  if (y.dtype == DType::boolean) fail(ErrorKind::type, call, "y has dtype bool, expected a number");
  check_dtypes(call, 2, {DType::int32, DType::int64});
  int64_t shape[kMaxRank];
  const int rank =
      gathered_shape(call, y, indices, call.attributes.as<GatherNdAttributes>().batch_dims, shape);
  bool same = rank == updates.rank;
  for (int i = 0; i < rank && same; ++i) same = shape[i] == updates.shape[i];
  if (!same)
    fail(ErrorKind::value, call,
         "updates has shape " + shape_text(updates) + ", expected " + shape_text(rank, shape));
}

// A task owns whole batches, so contributions to an element come in ascending order.
Status run_scatter_nd_add(const Call& call) {
  const Array &y = call.operand(0), &updates = call.operand(1), &indices = call.operand(2);
  const Extents e = extents_of(y, indices, call.attributes.as<GatherNdAttributes>().batch_dims);
  const Status status = check_tuples(y, indices, e);
  if (status.code != 0 || updates.size() == 0) return status;
  const BinaryKernel add =
      kernels().binary.run[static_cast<int>(BinaryOp::add)][static_cast<int>(y.dtype)];
  const int64_t bytes = e.block * item_size(y.dtype);
  const int64_t grain = kCheapGrain / 4 / (e.tuples * e.block);
  for_each_chunk(e.batch, grain > 0 ? grain : 1, 1, [&](int64_t first, int64_t last) {
    for (int64_t t = first * e.tuples; t < last * e.tuples; ++t) {
      char* to = y.data + block_of(y, indices, e, t) * bytes;
      add(e.block, to, updates.data + t * bytes, to);
    }
  });
  return {};
}

}  // namespace

void register_gather_nd() {
  const std::vector<AttributeInfo> attributes = {
      {"batch_dims", AttributeKind::integer, offsetof(GatherNdAttributes, batch_dims)}};
  register_primitive({"gather_nd",
                      {{"y", Role::out}, {"x", Role::in}, {"indices", Role::in}},
                      attributes,
                      infer_gather_nd,
                      run_gather_nd,
                      describe_gather_nd});
  register_primitive({"scatter_nd_add",
                      {{"y", Role::inout}, {"updates", Role::in}, {"indices", Role::in}},
                      attributes,
                      infer_scatter_nd_add,
                      run_scatter_nd_add,
                      describe_gather_nd});
}

}  // namespace fastnn
