// Folds of integers (sums wrap), any and all, argmax and argmin: plain loops that the compiler
// turns into vectors, since here every order gives the same result.
#include "kernels/reduce_exact.h"

#include "kernels/fill.h"

namespace fastnn {
namespace {

// Integers wrap: arithmetic is done without sign.
template <class T>
struct Unsigned;
template <>
struct Unsigned<int32_t> {
  using Type = uint32_t;
};
template <>
struct Unsigned<int64_t> {
  using Type = uint64_t;
};
template <>
struct Unsigned<uint8_t> {
  using Type = uint8_t;
};

template <class T>
inline T first_value(int op) {
  constexpr bool is_signed = static_cast<T>(-1) < static_cast<T>(0);
  const T highest =
      static_cast<T>(static_cast<typename Unsigned<T>::Type>(-1) >> static_cast<int>(is_signed));
  switch (op) {
    case kFoldProd:
      return 1;
    case kFoldMax:
      return is_signed ? static_cast<T>(-highest - 1) : static_cast<T>(0);
    case kFoldMin:
      return highest;
    default:
      return 0;
  }
}

template <class T, int op>
inline T step(T fold, T x) {
  using U = typename Unsigned<T>::Type;
  const U a = static_cast<U>(fold), b = static_cast<U>(x);
  switch (op) {
    case kFoldProd:
      return static_cast<T>(static_cast<U>(a * b));
    case kFoldMax:
      return x > fold ? x : fold;
    case kFoldMin:
      return x < fold ? x : fold;
    case kFoldSquares:
      return static_cast<T>(static_cast<U>(a + static_cast<U>(b * b)));
    case kFoldMagnitudes:
      return static_cast<T>(static_cast<U>(a + (x < 0 ? static_cast<U>(U{0} - b) : b)));
    default:
      return static_cast<T>(static_cast<U>(a + b));
  }
}

template <class T, int op>
void fold_rows(const T* x, int64_t rows, int64_t n, T* y) {
  for (int64_t i = 0; i < rows; ++i, x += n) {
    T fold = first_value<T>(op);
    for (int64_t j = 0; j < n; ++j) fold = step<T, op>(fold, x[j]);
    y[i] = fold;
  }
}

template <class T, int op>
void fold_columns(const T* x, int64_t rows, int64_t stride, int64_t width, T* y) {
  for (int64_t j = 0; j < width; ++j) y[j] = first_value<T>(op);
  for (int64_t r = 0; r < rows; ++r, x += stride)
    for (int64_t j = 0; j < width; ++j) y[j] = step<T, op>(y[j], x[j]);
}

// Results of a sum of squares or of magnitudes are joined by adding.
template <class T, int op>
void fold_merge(T* a, const T* b, int64_t n) {
  constexpr int joined = op == kFoldSquares || op == kFoldMagnitudes ? kFoldSum : op;
  for (int64_t j = 0; j < n; ++j) a[j] = step<T, joined>(a[j], b[j]);
}

#define FASTNN_EACH_FOLD(f, ...)                 \
  switch (op) {                                  \
    case kFoldSum:                               \
      return f<T, kFoldSum>(__VA_ARGS__);        \
    case kFoldProd:                              \
      return f<T, kFoldProd>(__VA_ARGS__);       \
    case kFoldMax:                               \
      return f<T, kFoldMax>(__VA_ARGS__);        \
    case kFoldMin:                               \
      return f<T, kFoldMin>(__VA_ARGS__);        \
    case kFoldSquares:                           \
      return f<T, kFoldSquares>(__VA_ARGS__);    \
    case kFoldMagnitudes:                        \
      return f<T, kFoldMagnitudes>(__VA_ARGS__); \
  }

template <class T>
void rows(int op, const void* x, int64_t rows, int64_t n, void* y) {
  const T* from = static_cast<const T*>(x);
  T* to = static_cast<T*>(y);
  FASTNN_EACH_FOLD(fold_rows, from, rows, n, to)
}

template <class T>
void columns(int op, const void* x, int64_t rows, int64_t stride, int64_t width, void* y) {
  const T* from = static_cast<const T*>(x);
  T* to = static_cast<T*>(y);
  FASTNN_EACH_FOLD(fold_columns, from, rows, stride, width, to)
}

template <class T>
void merge(int op, void* a, const void* b, int64_t n) {
  T* to = static_cast<T*>(a);
  const T* from = static_cast<const T*>(b);
  FASTNN_EACH_FOLD(fold_merge, to, from, n)
}

template <class T>
void truth_rows(int op, const void* x, int64_t rows, int64_t n, void* y) {
  constexpr int64_t kChunk = 4096;  // looked through before the answer may stop the search
  const bool all = op == kFoldMin;
  const T* from = static_cast<const T*>(x);
  uint8_t* to = static_cast<uint8_t*>(y);
  for (int64_t i = 0; i < rows; ++i, from += n) {
    uint8_t found = 0;  // a true one, or for `all` a false one
    for (int64_t j = 0; j < n && !found; j += kChunk) {
      const int64_t end = n - j < kChunk ? n : j + kChunk;
      if (all)
        for (int64_t k = j; k < end; ++k) found |= static_cast<uint8_t>(from[k] == 0);
      else
        for (int64_t k = j; k < end; ++k) found |= static_cast<uint8_t>(from[k] != 0);
    }
    to[i] = all ? !found : found;
  }
}

template <class T>
void truth_columns(int op, const void* x, int64_t rows, int64_t stride, int64_t width, void* y) {
  const bool all = op == kFoldMin;
  const T* from = static_cast<const T*>(x);
  uint8_t* to = static_cast<uint8_t*>(y);
  for (int64_t j = 0; j < width; ++j) to[j] = all;
  for (int64_t r = 0; r < rows; ++r, from += stride)
    if (all)
      for (int64_t j = 0; j < width; ++j) to[j] &= static_cast<uint8_t>(from[j] != 0);
    else
      for (int64_t j = 0; j < width; ++j) to[j] |= static_cast<uint8_t>(from[j] != 0);
}

// Whether x is to be preferred to an earlier best. A NaN beats all that is no NaN.
template <class T>
inline bool beats(bool smallest, T x, T best) {
  return (smallest ? x < best : x > best) || (x != x && best == best);
}

// The position of the first element for which `matches` holds; there is one.
template <class T, class Matches>
inline int64_t first_position(const T* x, int64_t n, Matches matches) {
  constexpr int32_t kChunk = 64;
  for (int64_t j = 0; j + kChunk <= n; j += kChunk) {
    int32_t first = kChunk;
    for (int32_t k = 0; k < kChunk; ++k) {
      const int32_t here = matches(x[j + k]) ? k : kChunk;
      first = here < first ? here : first;
    }
    if (first < kChunk) return j + first;
  }
  for (int64_t j = n - n % kChunk; j < n; ++j)
    if (matches(x[j])) return j;
  return 0;
}

// Short rows, kTogether at a time and without branches: their outcome is anybody's guess.
constexpr int kTogether = 16;

template <class T, bool smallest>
inline void arg_short_rows(const T* x, int64_t rows, int64_t n, int64_t* y) {
  T best[kTogether], value[kTogether];
  int32_t position[kTogether] = {};
  for (int r = 0; r < kTogether; ++r) best[r] = x[(r < rows ? r : 0) * n];
  for (int64_t j = 1; j < n; ++j) {
    for (int r = 0; r < kTogether; ++r) value[r] = x[(r < rows ? r : 0) * n + j];
    for (int r = 0; r < kTogether; ++r) {
      const bool better = beats(smallest, value[r], best[r]);
      best[r] = better ? value[r] : best[r];
      position[r] = better ? static_cast<int32_t>(j) : position[r];
    }
  }
  for (int64_t r = 0; r < rows; ++r) y[r] = position[r];
}

// The larger or smaller of two, NaN if either is.
template <class T, bool smallest>
inline T preferred(T a, T b) {
  const bool better = smallest ? b < a : b > a;
  return better || b != b ? b : a;
}

// Where the search along a row begins to pay.
constexpr int64_t kLongRow = 64;

// First the value, over lanes that run side by side, then where it stands. n >= kLongRow.
template <class T, bool smallest>
inline int64_t arg_row(const T* x, int64_t n) {
  constexpr int64_t kLanes = sizeof(T) == 1 ? 64 : 128 / sizeof(T);
  static_assert(kLanes <= kLongRow, "the lanes start with the first elements of the row");
  T lane[kLanes];
  for (int64_t k = 0; k < kLanes; ++k) lane[k] = x[k];
  int64_t j = kLanes;
  for (; j + kLanes <= n; j += kLanes)
    for (int64_t k = 0; k < kLanes; ++k) lane[k] = preferred<T, smallest>(lane[k], x[j + k]);
  for (int64_t k = 0; j < n; ++j, ++k) lane[k] = preferred<T, smallest>(lane[k], x[j]);
  for (int64_t half = kLanes / 2; half > 0; half /= 2)
    for (int64_t k = 0; k < half; ++k) lane[k] = preferred<T, smallest>(lane[k], lane[k + half]);
  const T best = lane[0];
  if (best != best) return first_position(x, n, [](T value) { return value != value; });
  return first_position(x, n, [=](T value) { return value == best; });
}

template <class T, bool smallest>
inline void arg_all_rows(const T* x, int64_t rows, int64_t n, int64_t* y) {
  if (n >= kLongRow) {
    for (int64_t i = 0; i < rows; ++i) y[i] = arg_row<T, smallest>(x + i * n, n);
    return;
  }
  for (int64_t i = 0; i < rows; i += kTogether)
    arg_short_rows<T, smallest>(x + i * n, rows - i < kTogether ? rows - i : kTogether, n, y + i);
}

template <class T>
void arg_rows(int smallest, const void* x, int64_t rows, int64_t n, int64_t* y) {
  const T* from = static_cast<const T*>(x);
  smallest ? arg_all_rows<T, true>(from, rows, n, y) : arg_all_rows<T, false>(from, rows, n, y);
}

template <class T>
void arg_columns(int smallest, const void* x, int64_t rows, int64_t stride, int64_t width,
                 int64_t* y) {
  constexpr int64_t kStrip = 256;
  const T* from = static_cast<const T*>(x);
  T best[kStrip];
  for (int64_t start = 0; start < width; start += kStrip) {
    const int64_t end = width - start < kStrip ? width : start + kStrip;
    for (int64_t j = start; j < end; ++j) best[j - start] = from[j], y[j] = 0;
    for (int64_t r = 1; r < rows; ++r)
      for (int64_t j = start; j < end; ++j) {
        const T value = from[r * stride + j];
        const bool better = beats(smallest != 0, value, best[j - start]);
        best[j - start] = better ? value : best[j - start];
        y[j] = better ? r : y[j];
      }
  }
}

}  // namespace
}  // namespace fastnn

FASTNN_FILL(reduce_exact, ReduceExactKernels) {
  using namespace fastnn;
  *table = ReduceExactKernels{
      {0, 0, rows<int32_t>, rows<int64_t>, rows<uint8_t>, rows<uint8_t>},
      {0, 0, columns<int32_t>, columns<int64_t>, columns<uint8_t>, columns<uint8_t>},
      {0, 0, merge<int32_t>, merge<int64_t>, merge<uint8_t>, merge<uint8_t>},
      {truth_rows<float>, truth_rows<double>, truth_rows<int32_t>, truth_rows<int64_t>,
       truth_rows<uint8_t>, truth_rows<uint8_t>},
      {truth_columns<float>, truth_columns<double>, truth_columns<int32_t>, truth_columns<int64_t>,
       truth_columns<uint8_t>, truth_columns<uint8_t>},
      {arg_rows<float>, arg_rows<double>, arg_rows<int32_t>, arg_rows<int64_t>, arg_rows<uint8_t>,
       arg_rows<uint8_t>},
      {arg_columns<float>, arg_columns<double>, arg_columns<int32_t>, arg_columns<int64_t>,
       arg_columns<uint8_t>, arg_columns<uint8_t>}};
}
