// Indices of the gathering primitives: read, wrapped and checked before anything is written.
#pragma once

#include <string>

#include "core/primitive.h"

namespace fastnn {

inline int64_t index_at(const Array& indices, int64_t i) {
  return indices.dtype == DType::int32 ? indices.as<int32_t>()[i] : indices.as<int64_t>()[i];
}

// Where index i of an axis of n elements lies. Has been checked.
inline int64_t wrapped(int64_t index, int64_t n) { return index < 0 ? index + n : index; }

// The first of `count` indices, starting at `from` and `step` apart, that is outside [low, n).
inline Status check_indices(const Array& indices, int64_t from, int64_t step, int64_t count,
                            int64_t low, int64_t n, int axis) {
  for (int64_t i = 0; i < count; ++i) {
    const int64_t where = from + i * step, index = index_at(indices, where);
    if (index < low || index >= n) return {1 + axis, where, index};
  }
  return {};
}

// The message of a status of check_indices.
inline Error describe_index(const Call& call, const Status& status, int64_t extent) {
  return Error(ErrorKind::index,
               std::string(call.primitive->name) + ": index " + std::to_string(status.value) +
                   " at position " + std::to_string(status.where) + " is out of range for axis " +
                   std::to_string(status.code - 1) + " of extent " + std::to_string(extent));
}

}  // namespace fastnn
