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

constexpr int64_t kPieceBytes = 256 << 10;   // that a task copies
constexpr int64_t kTogetherBytes = 8 << 10;  // of several short rows

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

// Rows of so many bytes each, the next one `row` bytes further on in y.
template <int64_t bytes>
void spread(int64_t rows, const char* x, char* y, int64_t row) {
  for (int64_t k = 0; k < rows; ++k) std::memcpy(y + k * row, x + k * bytes, bytes);
}

void spread(int64_t rows, int64_t bytes, const char* x, char* y, int64_t row) {
  switch (bytes) {  // of these, one to four numbers, a copy is one move
    case 1:
      return spread<1>(rows, x, y, row);
    case 4:
      return spread<4>(rows, x, y, row);
    case 8:
      return spread<8>(rows, x, y, row);
    case 16:
      return spread<16>(rows, x, y, row);
    default:
      for (int64_t k = 0; k < rows; ++k)
        std::memcpy(y + k * row, x + k * bytes, static_cast<size_t>(bytes));
  }
}

// y is rows, of which every array has a piece: short ones are put together while they stay in the
// first cache, of long ones each piece is cut.
Status run(const Call& call) {
  const int64_t axis = call.attributes.as<ConcatenateAttributes>().axis;
  const Array& y = call.operand(Y);
  int64_t rows = 1, inner = item_size(y.dtype);  // inner: bytes of one position
  for (int k = 0; k < axis; ++k) rows *= y.shape[k];
  for (int k = static_cast<int>(axis) + 1; k < y.rank; ++k) inner *= y.shape[k];
  const int64_t row = y.shape[axis] * inner;
  const auto bytes_of = [&](int i) { return call.operand(X, i).shape[axis] * inner; };
  if (y.size() > 0 && row <= kPieceBytes) {
    for_pieces(rows, kPieceBytes / row, [&](int64_t first, int64_t count) {
      const int64_t together = std::max<int64_t>(kTogetherBytes / row, 1);
      for (int64_t end = first + count, k = first; k < end; k += together) {
        char* to = y.data + k * row;
        for (int i = 0; i < call.count(X); to += bytes_of(i), ++i)
          spread(std::min(together, end - k), bytes_of(i),
                 call.operand(X, i).data + k * bytes_of(i), to, row);
      }
    });
    return {};
  }
  char* column = y.data;
  for (int i = 0; i < call.count(X); column += bytes_of(i), ++i) {
    const int64_t bytes = bytes_of(i), pieces = ceil_div(bytes, kPieceBytes);  // of a row
    if (bytes == 0) continue;
    for_pieces(rows * pieces, std::max<int64_t>(1, kPieceBytes / bytes),
               [&](int64_t first, int64_t count) {
                 for (int64_t piece = first; piece < first + count; ++piece) {
                   const int64_t k = piece / pieces, from = piece % pieces * kPieceBytes;
                   std::memcpy(column + k * row + from, call.operand(X, i).data + k * bytes + from,
                               static_cast<size_t>(std::min(kPieceBytes, bytes - from)));
                 }
               });
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
