// Indices and labels: checked before anything is written, and again where they are used.
//
// They may be a Variable's, which another thread may assign to while this one has let go of the
// interpreter's lock. So each use reads its number once and stays within bounds by itself; which
// row is taken for a number that has been changed since the check is left open.
#pragma once

#include <string>

#include "core/primitive.h"
#include "ops/checks.h"

namespace fastnn {

// The compiler may not read it again.
template <class I>
int64_t read_once(const I* number) {
  return __atomic_load_n(number, __ATOMIC_RELAXED);
}

inline int64_t index_at(const Array& indices, int64_t i) {
  return indices.dtype == DType::int32 ? read_once(indices.as<int32_t>() + i)
                                       : read_once(indices.as<int64_t>() + i);
}

// `row` of an axis of n > 0 elements.
inline int64_t bounded(int64_t row, int64_t n) {
  return static_cast<uint64_t>(row) < static_cast<uint64_t>(n) ? row : 0;
}

// Where index i, checked before, lies on an axis of n elements; negative ones count from the end.
inline int64_t row_at(const Array& indices, int64_t i, int64_t n) {
  const int64_t index = index_at(indices, i);
  return bounded(index < 0 ? index + n : index, n);
}

// Whether `count` indices, `step` apart, are within [low, n).
template <class I>
bool all_within(const I* indices, int64_t step, int64_t count, int64_t low, int64_t n) {
  const auto span = static_cast<uint64_t>(n - low);
  bool within = true;
  for (int64_t i = 0; i < count; ++i)
    within &=
        static_cast<uint64_t>(read_once(indices + i * step)) - static_cast<uint64_t>(low) < span;
  return within;
}

// The first of `count` indices, starting at `from` and `step` apart, that is outside [low, n).
inline Status check_indices(const Array& indices, int64_t from, int64_t step, int64_t count,
                            int64_t low, int64_t n, int axis) {
  if (indices.dtype == DType::int32 ? all_within(indices.as<int32_t>() + from, step, count, low, n)
                                    : all_within(indices.as<int64_t>() + from, step, count, low, n))
    return {};
  for (int64_t i = 0; i < count; ++i) {  // which it is
    const int64_t where = from + i * step, index = index_at(indices, where);
    if (index < low || index >= n) return {1 + axis, where, index};
  }
  return {};
}

// Where the flat position `where` lies in an array: "3", or "(1, 0)" if it has several axes.
inline std::string position_text(const Array& array, int64_t where) {
  if (array.rank < 2) return std::to_string(where);
  int64_t place[kMaxRank];
  for (int axis = array.rank; axis-- > 0; where /= array.shape[axis])
    place[axis] = where % array.shape[axis];
  return shape_text(array.rank, place);
}

// The message of a status of check_indices.
inline Error describe_index(const Call& call, const Status& status, int64_t extent) {
  return Error(ErrorKind::index,
               std::string(call.primitive->name) + ": index " + std::to_string(status.value) +
                   " at position " + std::to_string(status.where) + " is out of range for axis " +
                   std::to_string(status.code - 1) + " of extent " + std::to_string(extent));
}

}  // namespace fastnn
