// dropout and dropout_backward.
#include <cstddef>
#include <cstring>

#include "core/kernel_table.h"
#include "ops/checks.h"
#include "ops/dropout_rate.h"
#include "ops/random.h"
#include "ops/tasks.h"

namespace fastnn {
namespace {

CodeList dropout_kinds() {
  static constexpr const char* names[] = {"plain"};
  return {names, 1};
}

// Whether a mask of `rank` axes broadcasts to x.
bool broadcasts(const Array& x, int rank, const int64_t* shape) {
  if (rank > x.rank) return false;
  for (int axis = 0; axis < rank; ++axis)
    if (shape[axis] != 1 && shape[axis] != x.shape[axis + x.rank - rank]) return false;
  return true;
}

void repeat(const Array& x, const int64_t* strides, int axis, const uint8_t* from, uint8_t*& to) {
  if (axis == x.rank) {
    *to++ = *from;
    return;
  }
  for (int64_t i = 0; i < x.shape[axis]; ++i)
    repeat(x, strides, axis + 1, from + i * strides[axis], to);
}

// One byte an element of x: the mask itself, or its repetition in `wide`.
const uint8_t* widened(const Array& x, const Array& mask, char* wide) {
  if (!wide) return mask.as<uint8_t>();
  int64_t strides[kMaxRank] = {};
  const int skipped = x.rank - mask.rank;
  for (int axis = 0; axis < mask.rank; ++axis)
    strides[axis + skipped] = mask.shape[axis] == 1 ? 0 : mask.strides[axis];
  uint8_t* to = reinterpret_cast<uint8_t*>(wide);
  repeat(x, strides, 0, mask.as<uint8_t>(), to);
  return reinterpret_cast<const uint8_t*>(wide);
}

namespace forward {
enum { Y, Mask, X, Rate, State, Scratch };

struct Attributes {
  int64_t kind;
  int64_t noise_shape[kMaxRank + 1];
};

void infer(Call& call) {
  const auto& attributes = call.attributes.as<Attributes>();
  check_float(call, X);
  check_rate(call, X, Rate);
  check_state(call, State);
  const Array& x = call.operand(X);
  const int64_t *shape = x.shape, bytes = x.size();
  int rank = x.rank;
  if (attributes.noise_shape[0] != 0) {
    rank = static_cast<int>(attributes.noise_shape[0]);
    shape = attributes.noise_shape + 1;
    if (!broadcasts(x, rank, shape))
      fail(ErrorKind::value, call,
           "noise_shape " + shape_text(rank, shape) + " does not broadcast to x with shape " +
               shape_text(x));
  }
  call.set_output(Mask, DType::uint8, rank, shape);
  call.set_output_like(Y, x);
  if (call.operand(Mask).size() != bytes) {
    call.resize(Scratch, 1);
    call.set_scratch(Scratch, bytes);
  }
}

Status run(const Call& call) {
  const Array &x = call.operand(X), &y = call.operand(Y), &mask = call.operand(Mask);
  const DropoutRate rate(call.operand(Rate));
  if (const Status status = rate.status(); status.code) return status;
  const uint32_t threshold = rate.threshold();
  const PhiloxState state = draw(call.operand(State), mask.size());
  const auto& kernel = kernels().random;
  const auto apply = kernel.dropout_apply[static_cast<int>(x.dtype)];
  const int64_t item = item_size(x.dtype);
  uint8_t* kept = mask.as<uint8_t>();
  const bool repeated = call.has(Scratch);
  for_pieces(mask.size(), kRandomTask, [&](int64_t first, int64_t count) {
    kernel.dropout_mask(skip(state, first), threshold, count, kept + first);
    if (!repeated)
      apply(x.data + first * item, kept + first, rate.scale, count, y.data + first * item);
  });
  if (repeated) {
    const uint8_t* wide = widened(x, mask, call.operand(Scratch).data);
    for_pieces(x.size(), kRandomTask, [&](int64_t first, int64_t count) {
      apply(x.data + first * item, wide + first, rate.scale, count, y.data + first * item);
    });
  }
  return {};
}

double cost(const Call& call) { return 6.0 * static_cast<double>(call.operand(X).size()); }
}  // namespace forward

namespace backward {
enum { Dx, Dy, Mask, Rate, Scratch };

struct Attributes {
  int64_t kind;
};

void infer(Call& call) {
  check_float(call, Dy);
  check_dtypes(call, Mask, {DType::uint8});
  check_rate(call, Dy, Rate);
  const Array &dy = call.operand(Dy), &mask = call.operand(Mask);
  const int64_t bytes = dy.size();
  if (!broadcasts(dy, mask.rank, mask.shape))
    fail(ErrorKind::value, call,
         "mask has shape " + shape_text(mask) + ", which does not broadcast to dy with shape " +
             shape_text(dy));
  const bool repeated = mask.size() != bytes;
  call.set_output_like(Dx, dy);
  if (repeated) {
    call.resize(Scratch, 1);
    call.set_scratch(Scratch, bytes);
  }
}

Status run(const Call& call) {
  const Array &dy = call.operand(Dy), &dx = call.operand(Dx);
  const DropoutRate rate(call.operand(Rate));
  if (const Status status = rate.status(); status.code) return status;
  const uint8_t* mask =
      widened(dy, call.operand(Mask), call.has(Scratch) ? call.operand(Scratch).data : nullptr);
  const auto apply = kernels().random.dropout_apply[static_cast<int>(dy.dtype)];
  const int64_t item = item_size(dy.dtype);
  for_pieces(dy.size(), kRandomTask, [&](int64_t first, int64_t count) {
    apply(dy.data + first * item, mask + first, rate.scale, count, dx.data + first * item);
  });
  return {};
}
}  // namespace backward

}  // namespace

void register_dropout() {
  register_primitive(
      {"dropout",
       {{"y", Role::out},
        {"mask", Role::out},
        {"x", Role::in},
        {"rate", Role::in},
        {"state", Role::inout},
        {"scratch", Role::scratch, true}},
       {{"kind", AttributeKind::code, offsetof(forward::Attributes, kind), 0, dropout_kinds},
        {"noise_shape", AttributeKind::integers, offsetof(forward::Attributes, noise_shape)}},
       forward::infer,
       forward::run,
       describe_rate,
       forward::cost});
  register_primitive(
      {"dropout_backward",
       {{"dx", Role::out},
        {"dy", Role::in},
        {"mask", Role::in},
        {"rate", Role::in},
        {"scratch", Role::scratch, true}},
       {{"kind", AttributeKind::code, offsetof(backward::Attributes, kind), 0, dropout_kinds}},
       backward::infer,
       backward::run,
       describe_rate});
}

}  // namespace fastnn
