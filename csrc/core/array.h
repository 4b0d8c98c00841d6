// An operand of a primitive: where its elements lie, and how they are to be read.
//
// Plain data on purpose: a recorded step is a list of such values, kept and compared.
#pragma once

#include <cstddef>
#include <cstdint>

namespace fastnn {

struct Block;  // memory_pool.h

constexpr int kMaxRank = 8;

enum class DType : uint8_t { float32, float64, int32, int64, uint8, boolean };
constexpr int kDTypeCount = 6;

constexpr bool is_float(DType dtype) { return dtype <= DType::float64; }

inline int64_t item_size(DType dtype) {
  constexpr int64_t sizes[kDTypeCount] = {4, 8, 4, 8, 1, 1};
  return sizes[static_cast<int>(dtype)];
}

inline const char* dtype_name(DType dtype) {
  constexpr const char* names[kDTypeCount] = {"float32", "float64", "int32",
                                              "int64",   "uint8",   "bool"};
  return names[static_cast<int>(dtype)];
}

struct Array {
  Block* block = nullptr;     // who owns the memory; null for an operand that is absent
  char* data = nullptr;       // first element (inside the block)
  int64_t shape[kMaxRank];    // the first `rank` count
  int64_t strides[kMaxRank];  // in elements; 0 repeats
  uint8_t rank = 0;
  DType dtype = DType::float32;
  bool present = false;

  int64_t size() const {
    int64_t n = 1;
    for (int axis = 0; axis < rank; ++axis) n *= shape[axis];
    return n;
  }
  int64_t bytes() const { return size() * item_size(dtype); }

  // Row-major without gaps. Axes of extent 1 and arrays without elements may have any stride.
  bool contiguous() const {
    int64_t expected = 1;
    for (int axis = rank - 1; axis >= 0; --axis) {
      if (shape[axis] == 0) return true;
      if (shape[axis] != 1 && strides[axis] != expected) return false;
      expected *= shape[axis];
    }
    return true;
  }

  void set_row_major_strides() {
    uint64_t stride = 1;  // wraps where an array without elements has huge extents
    for (int axis = rank - 1; axis >= 0; --axis) {
      strides[axis] = static_cast<int64_t>(stride);
      stride *= static_cast<uint64_t>(shape[axis]);
    }
  }

  template <class T>
  T* as() const {
    return reinterpret_cast<T*>(data);
  }
};

inline bool same_shape(const Array& a, const Array& b) {
  if (a.rank != b.rank) return false;
  for (int axis = 0; axis < a.rank; ++axis)
    if (a.shape[axis] != b.shape[axis]) return false;
  return true;
}

}  // namespace fastnn
