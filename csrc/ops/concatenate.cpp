// concatenate: arrays of one dtype laid one behind the other along an axis.
#include <algorithm>
#include <cstddef>
#include <cstring>

#include "ops/all.h"
#include "ops/checks.h"
#include "ops/tasks.h"

namespace fastnn {
namespace {

enum { Y, X };

constexpr int64_t kPieceBytes = 256 << 10;  // that a task copies

struct ConcatenateAttributes {
  int64_t axis;
};

void infer(Call& call) {
  const int64_t axis = call.attributes.as<ConcatenateAttributes>().axis;
  const int count = call.count(X);
  if (count == 0) fail(ErrorKind::value, call, "there are no arrays");
  const Array& first = call.operand(X);
  check_axis(call, "axis", axis, first.rank);
  int64_t shape[kMaxRank];
  for (int k = 0; k < first.rank; ++k) shape[k] = first.shape[k];
  for (int i = 1; i < count; ++i) {
    const Array& array = call.operand(X, i);
    bool fits = array.rank == first.rank && array.dtype == first.dtype;
    for (int k = 0; fits && k < first.rank; ++k)
      fits = k == axis || array.shape[k] == first.shape[k];
    if (!fits)
      fail(ErrorKind::value, call,
           "xs[" + std::to_string(i) + "] is " + dtype_name(array.dtype) + shape_text(array) +
               " but xs[0] is " + dtype_name(first.dtype) + shape_text(first) +
               "; they may differ along axis " + std::to_string(axis) + " only");
    shape[axis] += array.shape[axis];
  }
  check_extents(call, first.rank, shape);
  call.set_output(Y, first.dtype, first.rank, shape);
}

Status run(const Call& call) {
  const int64_t axis = call.attributes.as<ConcatenateAttributes>().axis;
  const Array& y = call.operand(Y);
  int64_t outer = 1, inner = item_size(y.dtype);  // repetitions; bytes of one position
  for (int k = 0; k < axis; ++k) outer *= y.shape[k];
  for (int k = static_cast<int>(axis) + 1; k < y.rank; ++k) inner *= y.shape[k];
  const int64_t row = y.shape[axis] * inner;
  char* column = y.data;
  for (int i = 0; i < call.count(X); ++i) {
    const Array& x = call.operand(X, i);
    const int64_t bytes = x.shape[axis] * inner;
    if (bytes == 0) continue;
    const int64_t pieces = ceil_div(bytes, kPieceBytes);  // of a row
    for_pieces(outer * pieces, std::max<int64_t>(1, kPieceBytes / bytes),
               [&](int64_t first, int64_t count) {
                 for (int64_t i = first; i < first + count; ++i) {
                   const int64_t k = i / pieces, from = i % pieces * kPieceBytes;
                   std::memcpy(column + k * row + from, x.data + k * bytes + from,
                               static_cast<size_t>(std::min(kPieceBytes, bytes - from)));
                 }
               });
    column += bytes;
  }
  return {};
}

}  // namespace

void register_concatenate() {
  Primitive primitive{
      "concatenate",
      {{"y", Role::out}, {"xs", Role::in, false, true}},
      {{"axis", AttributeKind::integer, offsetof(ConcatenateAttributes, axis)}},
      infer,
  };
  primitive.native = run;
  register_primitive(primitive);
}

}  // namespace fastnn
