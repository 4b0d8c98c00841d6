// Moving elements: a rectangle read through strides into contiguous memory, and conversions.
#include "kernels/movement.h"

#include <string.h>

#include "kernels/fill.h"

namespace fastnn {
namespace {

// A transposed rectangle goes in squares whose lines of both sides stay in the first cache.
template <class T>
void pack_transposed(int64_t rows, int64_t columns, const T* x, int64_t row_stride,
                     int64_t column_stride, T* y) {
  constexpr int64_t kSquare = 64 / sizeof(T);
  for (int64_t r0 = 0; r0 < rows; r0 += kSquare) {
    const int64_t r1 = r0 + kSquare < rows ? r0 + kSquare : rows;
    for (int64_t c0 = 0; c0 < columns; c0 += kSquare) {
      const int64_t c1 = c0 + kSquare < columns ? c0 + kSquare : columns;
      for (int64_t r = r0; r < r1; ++r)
        for (int64_t c = c0; c < c1; ++c)
          y[r * columns + c] = x[r * row_stride + c * column_stride];
    }
  }
}

// Rows of so many bytes side by side: of these, a copy is one move.
template <int64_t bytes>
void pack_rows(int64_t rows, const char* x, int64_t step, char* y) {
  for (int64_t r = 0; r < rows; ++r) memcpy(y + r * bytes, x + r * step, bytes);
}

template <class T>
void pack(int64_t rows, int64_t columns, const void* x_, int64_t row_stride, int64_t column_stride,
          void* y_) {
  const T* x = static_cast<const T*>(x_);
  T* y = static_cast<T*>(y_);
  if (rows > 1 && column_stride != 1 && column_stride != 0 && (row_stride == 1 || row_stride == -1))
    return pack_transposed(rows, columns, x, row_stride, column_stride, y);
  if (rows > 1 && column_stride == 1) {
    const char* from = reinterpret_cast<const char*>(x);
    char* to = reinterpret_cast<char*>(y);
    const int64_t step = row_stride * static_cast<int64_t>(sizeof(T));
    switch (columns * sizeof(T)) {
      case 8:
        return pack_rows<8>(rows, from, step, to);
      case 16:
        return pack_rows<16>(rows, from, step, to);
      case 32:
        return pack_rows<32>(rows, from, step, to);
      case 64:
        return pack_rows<64>(rows, from, step, to);
      case 128:
        return pack_rows<128>(rows, from, step, to);
    }
  }
  for (int64_t r = 0; r < rows; ++r, x += row_stride, y += columns) {
    if (column_stride == 1 && columns * sizeof(T) >= 64) {
      memcpy(y, x, static_cast<size_t>(columns) * sizeof(T));
    } else if (column_stride == -1) {
      for (int64_t c = 0; c < columns; ++c) y[c] = x[-c];
    } else if (column_stride == 0) {
      const T value = *x;
      for (int64_t c = 0; c < columns; ++c) y[c] = value;
    } else {
      for (int64_t c = 0; c < columns; ++c) y[c] = x[c * column_stride];
    }
  }
}

// Floating point to integer: truncated, out of range to the nearest end, NaN to 0.
template <class To, class From>
inline To truncate(From x) {
  constexpr bool is_signed = static_cast<To>(-1) < 0;
  constexpr int kBits = 8 * sizeof(To) - is_signed;
  const From end = static_cast<From>(uint64_t{1} << (kBits - 1)) * 2;
  if (x != x) return 0;
  if (x >= end) return static_cast<To>(~uint64_t{0} >> (64 - kBits));
  if (x <= (is_signed ? -end : From{0}))
    return is_signed ? static_cast<To>(uint64_t{1} << (kBits % 64)) : 0;
  return static_cast<To>(x);
}

#if !defined(FASTNN_TARGET_scalar)
// Bytes times a positive factor that is the sum of two floats: twice as fast as in double. Whether
// the results are the same is asked of every byte there is.
class ScaledByte {
 public:
  explicit ScaledByte(double scale)
      : high_(static_cast<float>(scale)),
        low_(static_cast<float>(scale - high_)),
        exact_(scale > 0) {  // of 0 the others give either sign
    for (int x = 0; x < kBytes; ++x) exact_ &= of(x) == static_cast<float>(x * scale);
  }
  static constexpr int kBytes = 256;
  bool exact() const { return exact_; }
  float of(int x) const {
    const float value = static_cast<float>(x);
    return __builtin_fmaf(value, high_, value * low_);
  }

 private:
  float high_, low_;
  bool exact_;
};

bool scale_bytes(int64_t n, const uint8_t* x, float* y, double scale) {
  if (n < 2 * ScaledByte::kBytes) return false;
  const ScaledByte scaled(scale);
  if (!scaled.exact()) return false;
  for (int64_t i = 0; i < n; ++i) y[i] = scaled.of(x[i]);
  return true;
}
#endif
template <class From, class To>
bool scale_bytes(int64_t, const From*, To*, double) {
  return false;
}

template <class From, class To>
void cast(int64_t n, const void* x_, void* y_, double scale) {
  const From* x = static_cast<const From*>(x_);
  To* y = static_cast<To*>(y_);
  if constexpr (To(0.5) != 0) {
    if (scale != 1) {  // in double, so that 255 / 255 is 1
      if (scale_bytes(n, x, y, scale)) return;
      for (int64_t i = 0; i < n; ++i) y[i] = static_cast<To>(static_cast<double>(x[i]) * scale);
    } else {
      for (int64_t i = 0; i < n; ++i) y[i] = static_cast<To>(x[i]);
    }
  } else if constexpr (From(0.5) != 0) {
    for (int64_t i = 0; i < n; ++i) y[i] = truncate<To>(x[i]);
  } else {
    for (int64_t i = 0; i < n; ++i) y[i] = static_cast<To>(x[i]);
  }
}

template <class From>
void cast_to_bool(int64_t n, const void* x_, void* y_, double) {
  const From* x = static_cast<const From*>(x_);
  uint8_t* y = static_cast<uint8_t*>(y_);
  for (int64_t i = 0; i < n; ++i) y[i] = x[i] != 0;
}

template <class From>
void fill_casts(CastKernel* row) {
  row[0] = cast<From, float>;
  row[1] = cast<From, double>;
  row[2] = cast<From, int32_t>;
  row[3] = cast<From, int64_t>;
  row[4] = cast<From, uint8_t>;
  row[5] = cast_to_bool<From>;
}

}  // namespace
}  // namespace fastnn

FASTNN_FILL(movement, MovementKernels) {
  using namespace fastnn;
  table->pack[0] = table->pack[2] = pack<uint32_t>;
  table->pack[1] = table->pack[3] = pack<uint64_t>;
  table->pack[4] = table->pack[5] = pack<uint8_t>;
  fill_casts<float>(table->cast[0]);
  fill_casts<double>(table->cast[1]);
  fill_casts<int32_t>(table->cast[2]);
  fill_casts<int64_t>(table->cast[3]);
  fill_casts<uint8_t>(table->cast[4]);
  fill_casts<uint8_t>(table->cast[5]);
}
