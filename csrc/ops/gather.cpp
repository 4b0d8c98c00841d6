// gather and its gradient scatter_add: rows of x along one axis, chosen by indices.
//
// x is [outer, extent, inner], y [outer, indices, inner]; a row is the `inner` consecutive
// elements.
#include <algorithm>
#include <cstring>

#include "ops/all.h"
#include "ops/checks.h"
#include "ops/indices.h"
#include "ops/rows_ahead.h"
#include "ops/short_copy.h"
#include "ops/strided.h"

namespace fastnn {

void register_gather_nd();
void register_gather_batch();
void register_sum_rows();

namespace {

struct GatherAttributes {
  int64_t axis, wrap;
  char owner[kTextBytes];  // of gather: the layer whose table x is, for messages
};

struct Extents {
  int64_t outer = 1, extent, inner = 1, count;
};

Extents extents_of(const Array& x, const Array& indices, int64_t axis) {
  Extents e;
  for (int i = 0; i < axis; ++i) e.outer *= x.shape[i];
  for (int i = static_cast<int>(axis) + 1; i < x.rank; ++i) e.inner *= x.shape[i];
  e.extent = x.shape[axis];
  e.count = indices.size();
  return e;
}

// x.shape with the axis replaced by the shape of the indices; returns the rank.
int gathered_shape(const Call& call, const Array& x, const Array& indices, int64_t axis,
                   int64_t* shape) {
  if (x.rank - 1 + indices.rank > kMaxRank)
    fail(ErrorKind::value, call,
         "the result would have " + std::to_string(x.rank - 1 + indices.rank) + " axes");
  int rank = 0;
  for (int i = 0; i < axis; ++i) shape[rank++] = x.shape[i];
  for (int i = 0; i < indices.rank; ++i) shape[rank++] = indices.shape[i];
  for (int i = static_cast<int>(axis) + 1; i < x.rank; ++i) shape[rank++] = x.shape[i];
  return rank;
}

Error describe_gather(const Call& call, const Status& status) {
  const int x = call.primitive->operands[0].role == Role::out ? 1 : 0;
  const int64_t extent = call.operand(x).shape[status.code - 1];
  const char* owner = call.attributes.as<GatherAttributes>().owner;
  if (!*owner) return describe_index(call, status, extent);
  return Error(ErrorKind::index,
               std::string(owner) + ": id " + std::to_string(status.value) + " at position " +
                   position_text(call.operand(x + 1), status.where) +
                   " is not in the vocabulary, expected 0 to " + std::to_string(extent - 1) +
                   " (input_dim is " + std::to_string(extent) + ")");
}

// ---- gather(y; x, indices; axis, wrap) ----------------------------------------------------------

void infer_gather(Call& call) {
  const Array x = call.operand(1), indices = call.operand(2);
  const int64_t axis = call.attributes.as<GatherAttributes>().axis;
  check_dtypes(call, 2, {DType::int32, DType::int64});
  check_axis(call, "axis", axis, x.rank);
  int64_t shape[kMaxRank];
  const int rank = gathered_shape(call, x, indices, axis, shape);
  check_extents(call, rank, shape);
  call.set_output(0, x.dtype, rank, shape);
}

// Elements of so many bytes that stand alone: y[j] = x[indices[j]].
template <int64_t bytes, class I>
void pick(const char* x, int64_t extent, const char* indices_, int64_t count, char* y) {
  const I* indices = reinterpret_cast<const I*>(indices_);
  for (int64_t j = 0; j < count; ++j) {
    const int64_t index = read_once(indices + j);
    std::memcpy(y + j * bytes, x + bounded(index < 0 ? index + extent : index, extent) * bytes,
                bytes);
  }
}

// The function for elements of so many bytes, or null.
using Picker = void (*)(const char*, int64_t, const char*, int64_t, char*);
Picker picker(int64_t bytes, DType indices) {
  const bool narrow = indices == DType::int32;
  if (bytes == 4) return narrow ? pick<4, int32_t> : pick<4, int64_t>;
  if (bytes == 8) return narrow ? pick<8, int32_t> : pick<8, int64_t>;
  return nullptr;
}

Status run_gather(const Call& call) {
  const Array &y = call.operand(0), &x = call.operand(1), &indices = call.operand(2);
  const auto& attributes = call.attributes.as<GatherAttributes>();
  const Extents e = extents_of(x, indices, attributes.axis);
  const Status status = check_indices(indices, 0, 1, e.count, attributes.wrap ? -e.extent : 0,
                                      e.extent, static_cast<int>(attributes.axis));
  if (status.code != 0 || y.size() == 0) return status;
  const int64_t bytes = e.inner * item_size(x.dtype), slab = e.extent * bytes;
  constexpr int64_t kMany = 4;  // of fewer, a call takes longer than they do
  const Picker pick_elements = e.count < kMany ? nullptr : picker(bytes, indices.dtype);
  const int64_t grain = pick_elements ? kCheapGrain / 4 : kCheapGrain / e.inner;
  const RowsAhead ahead(x.bytes(), bytes);
  for_each_chunk(e.outer * e.count, grain > 0 ? grain : 1, 1, [&](int64_t first, int64_t last) {
    const char* from = x.data + first / e.count * slab;
    int64_t j = first % e.count;
    if (pick_elements) {
      for (int64_t row = first, count; row < last; row += count, from += slab, j = 0) {
        count = std::min(e.count - j, last - row);
        const char* chosen = indices.data + j * item_size(indices.dtype);
        pick_elements(from, e.extent, chosen, count, y.data + row * bytes);
      }
      return;
    }
    const auto place = [&](int64_t k) { return from + row_at(indices, k, e.extent) * bytes; };
    for (int64_t row = first; row < last; ++row) {
      ahead.fetch(j, e.count, place);
      copy_short(y.data + row * bytes, place(j), bytes);
      if (++j == e.count) j = 0, from += slab;
    }
  });
  return {};
}

// ---- scatter_add(; y, updates, indices; axis, wrap) ---------------------------------------------

void infer_scatter_add(Call& call) {
  const Array &y = call.operand(0), &updates = call.operand(1), &indices = call.operand(2);
  const int64_t axis = call.attributes.as<GatherAttributes>().axis;
  check_same_dtype(call, 0, 1);
  if (y.dtype == DType::boolean) fail(ErrorKind::type, call, "y has dtype bool, expected a number");
  check_dtypes(call, 2, {DType::int32, DType::int64});
  check_axis(call, "axis", axis, y.rank);
  int64_t shape[kMaxRank];
  const int rank = gathered_shape(call, y, indices, axis, shape);
  bool same = rank == updates.rank;
  for (int i = 0; i < rank && same; ++i) same = shape[i] == updates.shape[i];
  if (!same)
    fail(ErrorKind::value, call,
         "updates has shape " + shape_text(updates) + ", expected " + shape_text(rank, shape));
}

// Elements that stand alone: y[indices[j]] += updates[j], j ascending.
template <class T>
void add_elements(const Array& updates_, const Array& indices, const Extents& e, const Array& y_,
                  int64_t slab) {
  const T* updates = updates_.as<T>() + slab * e.count;
  T* y = y_.as<T>() + slab * e.extent;
  for (int64_t j = 0; j < e.count; ++j) {
    T& sum = y[row_at(indices, j, e.extent)];
    sum = static_cast<T>(sum + updates[j]);
  }
}

auto adder(DType dtype) {
  switch (dtype) {
    case DType::float32:
      return add_elements<float>;
    case DType::float64:
      return add_elements<double>;
    case DType::int32:
      return add_elements<uint32_t>;  // which wrap
    case DType::int64:
      return add_elements<uint64_t>;
    default:
      return add_elements<uint8_t>;
  }
}

// Tasks own columns of rows, so each element of y has one owner, who adds in ascending order.
Status run_scatter_add(const Call& call) {
  const Array &y = call.operand(0), &updates = call.operand(1), &indices = call.operand(2);
  const auto& attributes = call.attributes.as<GatherAttributes>();
  const Extents e = extents_of(y, indices, attributes.axis);
  const Status status = check_indices(indices, 0, 1, e.count, attributes.wrap ? -e.extent : 0,
                                      e.extent, static_cast<int>(attributes.axis));
  if (status.code != 0 || updates.size() == 0) return status;
  if (e.inner == 1) {
    const auto add_all = adder(y.dtype);
    const int64_t grain = kCheapGrain / e.count;
    for_each_chunk(e.outer, grain > 0 ? grain : 1, 1, [&](int64_t first, int64_t last) {
      for (int64_t slab = first; slab < last; ++slab) add_all(updates, indices, e, y, slab);
    });
    return {};
  }
  const BinaryKernel add =
      kernels().binary.run[static_cast<int>(BinaryOp::add)][static_cast<int>(y.dtype)];
  const int64_t item = item_size(y.dtype);
  constexpr int64_t kColumns = 64;
  const int64_t strips =
      e.outer * e.count * e.inner <= kCheapGrain ? 1 : ceil_div(e.inner, kColumns);
  const int64_t width = strips == 1 ? e.inner : kColumns;
  const int64_t grain = kCheapGrain / (e.count * width);
  for_each_chunk(e.outer * strips, grain > 0 ? grain : 1, 1, [&](int64_t first, int64_t last) {
    for (int64_t task = first; task < last; ++task) {
      const int64_t o = task / strips, c = task % strips * width;
      const int64_t n = e.inner - c < width ? e.inner - c : width;
      for (int64_t j = 0; j < e.count; ++j) {
        const int64_t row = o * e.extent + row_at(indices, j, e.extent);
        char* to = y.data + (row * e.inner + c) * item;
        add(n, to, updates.data + ((o * e.count + j) * e.inner + c) * item, to);
      }
    }
  });
  return {};
}

}  // namespace

void register_gather() {
  const std::vector<AttributeInfo> attributes = {
      {"axis", AttributeKind::integer, offsetof(GatherAttributes, axis)},
      {"wrap", AttributeKind::boolean, offsetof(GatherAttributes, wrap), 1}};
  std::vector<AttributeInfo> with_owner = attributes;
  with_owner.push_back({"owner", AttributeKind::text, offsetof(GatherAttributes, owner)});
  register_primitive({"gather",
                      {{"y", Role::out}, {"x", Role::in}, {"indices", Role::in}},
                      with_owner,
                      infer_gather,
                      run_gather,
                      describe_gather});
  register_primitive({"scatter_add",
                      {{"y", Role::inout}, {"updates", Role::in}, {"indices", Role::in}},
                      attributes,
                      infer_scatter_add,
                      run_scatter_add,
                      describe_gather});
  register_gather_nd();
  register_gather_batch();
  register_sum_rows();
}

}  // namespace fastnn
