// y[i] = op(x1[i], x2[i]) and select: plain loops that the compiler turns into vectors, so one line
// an operation, but for those of binary_vectors.h. The semantics are NumPy's; what NumPy leaves
// undefined is fixed here.
#include "kernels/binary.h"

#include <math.h>

#include "kernels/binary_vectors.h"
#include "kernels/fill.h"

namespace fastnn {
namespace {

template <class T>
struct Wide;  // an unsigned type in which sums and products wrap
template <>
struct Wide<int32_t> {
  using type = uint32_t;
};
template <>
struct Wide<int64_t> {
  using type = uint64_t;
};
template <>
struct Wide<uint8_t> {
  using type = uint32_t;
};

template <class T>
inline bool overflows(T a, T b) {  // the one quotient that does not fit
  if constexpr (sizeof(T) == 1)
    return false;
  else
    return b == -1 && a == static_cast<T>(typename Wide<T>::type{1} << (8 * sizeof(T) - 1));
}

template <class T>
inline T integer_floordiv(T a, T b) {
  if (b == 0) return 0;
  if (overflows(a, b)) return a;
  const T q = static_cast<T>(a / b);
  return static_cast<T>(q - (a % b != 0 && (a < 0) != (b < 0)));
}

template <class T>
inline T integer_mod(T a, T b) {
  if (b == 0 || overflows(a, b)) return 0;
  const T r = static_cast<T>(a % b);
  return r != 0 && (r < 0) != (b < 0) ? static_cast<T>(r + b) : r;
}

// By squaring; a negative exponent gives 1 / a^-b, cut off to an integer (0 for a = 0).
template <class T>
inline T integer_pow(T a, T b) {
  if (b < 0) return a == 1 || (a == -1 && b % 2 == 0) ? 1 : a == -1 ? a : 0;
  using U = typename Wide<T>::type;
  U result = 1, base = static_cast<U>(a);
  for (U bit = static_cast<U>(b); bit != 0; bit >>= 1, base *= base)
    if (bit & 1) result *= base;
  return static_cast<T>(result);
}

// Counts outside [0, width) shift everything out: 0, or -1 from a negative number to the right.
template <class T>
inline bool shiftable(T count) {
  return static_cast<uint64_t>(count) < 8 * sizeof(T);
}
template <class T>
inline T left_shift(T a, T b) {
  using U = typename Wide<T>::type;
  return shiftable(b) ? static_cast<T>(static_cast<U>(a) << b) : T{0};
}
template <class T>
inline T right_shift(T a, T b) {
  return shiftable(b) ? static_cast<T>(a >> b) : static_cast<T>(a < 0 ? -1 : 0);
}

// What all dtypes share. `T` is the operands' type.
template <BinaryOp op, class T>
inline bool compare(T a, T b) {
  if constexpr (op == BinaryOp::equal) return a == b;
  if constexpr (op == BinaryOp::not_equal) return a != b;
  if constexpr (op == BinaryOp::less) return a < b;
  if constexpr (op == BinaryOp::less_equal) return a <= b;
  if constexpr (op == BinaryOp::logical_and) return (a != 0) & (b != 0);
  if constexpr (op == BinaryOp::logical_or) return (a != 0) | (b != 0);
  if constexpr (op == BinaryOp::logical_xor) return (a != 0) != (b != 0);
}

template <BinaryOp op, class T>
inline T apply_float(T a, T b) {
  if constexpr (op == BinaryOp::add) return a + b;
  if constexpr (op == BinaryOp::sub) return a - b;
  if constexpr (op == BinaryOp::mul) return a * b;
  if constexpr (op == BinaryOp::div) return a / b;
  if constexpr (op == BinaryOp::maximum) return (a > b) | (a != a) ? a : b;
  if constexpr (op == BinaryOp::minimum) return (a < b) | (a != a) ? a : b;
}

constexpr bool is_in_vectors(BinaryOp op) {
  return op == BinaryOp::floordiv || op == BinaryOp::mod || op == BinaryOp::pow ||
         op == BinaryOp::atan2;
}

template <BinaryOp op, class T>
FASTNN_INLINE Vec<T> apply_vector(Vec<T> a, Vec<T> b) {
  if constexpr (op == BinaryOp::floordiv) return floor_quotient(a, b);
  if constexpr (op == BinaryOp::mod) return mod(a, b);
  if constexpr (op == BinaryOp::pow) return pow(a, b);
  if constexpr (op == BinaryOp::atan2) return atan2(a, b);
}

template <BinaryOp op, class T>
inline T apply_integer(T a, T b) {
  using U = typename Wide<T>::type;
  if constexpr (op == BinaryOp::add) return static_cast<T>(static_cast<U>(a) + static_cast<U>(b));
  if constexpr (op == BinaryOp::sub) return static_cast<T>(static_cast<U>(a) - static_cast<U>(b));
  if constexpr (op == BinaryOp::mul) return static_cast<T>(static_cast<U>(a) * static_cast<U>(b));
  if constexpr (op == BinaryOp::floordiv) return integer_floordiv(a, b);
  if constexpr (op == BinaryOp::mod) return integer_mod(a, b);
  if constexpr (op == BinaryOp::pow) return integer_pow(a, b);
  if constexpr (op == BinaryOp::maximum) return a > b ? a : b;
  if constexpr (op == BinaryOp::minimum) return a < b ? a : b;
  if constexpr (op == BinaryOp::bitwise_and) return static_cast<T>(a & b);
  if constexpr (op == BinaryOp::bitwise_or) return static_cast<T>(a | b);
  if constexpr (op == BinaryOp::bitwise_xor) return static_cast<T>(a ^ b);
  if constexpr (op == BinaryOp::left_shift) return left_shift(a, b);
  if constexpr (op == BinaryOp::right_shift) return right_shift(a, b);
}

enum Class { F, N, A, I };  // the dtypes of op_codes.h
enum Result { s, b };

template <BinaryOp op, class T, Result result>
void run(int64_t n, const void* x1_, const void* x2_, void* y_) {
  const T *x1 = static_cast<const T*>(x1_), *x2 = static_cast<const T*>(x2_);
  if constexpr (result == b) {
    uint8_t* y = static_cast<uint8_t*>(y_);
    // y of one byte may alias operands of one byte, element by element.
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) y[i] = compare<op>(x1[i], x2[i]);
  } else if constexpr (T(0.5) != 0 && is_in_vectors(op)) {
    T* y = static_cast<T*>(y_);
    for_registers<T>(n, [&](int64_t i, int64_t left) {
      store_some(apply_vector<op>(load_some(x1 + i, left), load_some(x2 + i, left)), y + i, left);
    });
  } else {
    T* y = static_cast<T*>(y_);
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i)
      if constexpr (T(0.5) != 0)
        y[i] = apply_float<op>(x1[i], x2[i]);
      else
        y[i] = apply_integer<op>(x1[i], x2[i]);
  }
}

// The power 1/2: 0 of -0, and infinity of minus infinity.
template <class T>
inline T root(T a) {
  constexpr T kInfinity = static_cast<T>(INFINITY);
  if (a == -kInfinity) return kInfinity;
  if constexpr (sizeof(T) == sizeof(float))
    return __builtin_sqrtf(a + 0);
  else
    return __builtin_sqrt(a + 0);
}

// Powers that need no logarithm; false if these are others.
template <class T>
bool plain_powers(int64_t n, const T* x, T exponent, T* y) {
  const auto each = [=](auto power) {
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) y[i] = power(x[i]);
    return true;
  };
  if (exponent == 1) return each([](T a) { return a; });
  if (exponent == 2) return each([](T a) { return a * a; });
  if (exponent == 3) return each([](T a) { return a * a * a; });
  if (exponent == 4) return each([](T a) { return a * a * (a * a); });
  if (exponent == -1) return each([](T a) { return 1 / a; });
  if (exponent == T{0.5}) return each([](T a) { return root(a); });
  if (exponent == T{-0.5}) return each([](T a) { return 1 / root(a); });
  return false;
}

// What is done with rows and one number for each, or with one number for all.
constexpr bool takes_one(BinaryOp op) {
  return op == BinaryOp::add || op == BinaryOp::sub || op == BinaryOp::mul || op == BinaryOp::div ||
         op == BinaryOp::maximum || op == BinaryOp::minimum || op == BinaryOp::pow;
}

template <BinaryOp op, class T, int one>
void run_with_one(int64_t n, const void* x1_, const void* x2_, void* y_) {
  const T *x1 = static_cast<const T*>(x1_), *x2 = static_cast<const T*>(x2_);
  T* y = static_cast<T*>(y_);
  const T number = one == 0 ? *x1 : *x2;
  if constexpr (op == BinaryOp::pow) {
    if (one == 1 && plain_powers(n, x1, number, y)) return;
    const Vec<T> all = Vec<T>::broadcast(number);
    for_registers<T>(n, [&](int64_t i, int64_t left) {
      const Vec<T> other = load_some((one == 0 ? x2 : x1) + i, left);
      store_some(one == 0 ? pow(all, other) : pow(other, all), y + i, left);
    });
  } else {
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i)
      y[i] = one == 0 ? apply_float<op>(number, x2[i]) : apply_float<op>(x1[i], number);
  }
}

template <BinaryOp op, class T>
void fill_with_one(BinaryKernel* of_dtype) {
  if constexpr (takes_one(op)) {
    of_dtype[0] = run_with_one<op, T, 0>;
    of_dtype[1] = run_with_one<op, T, 1>;
  }
}

template <BinaryOp op, Class dtypes, Result result>
void fill_op(BinaryKernel* row) {
  if constexpr (dtypes != I) {
    row[0] = run<op, float, result>;
    row[1] = run<op, double, result>;
  }
  if constexpr (dtypes != F) {
    row[2] = run<op, int32_t, result>;
    row[3] = run<op, int64_t, result>;
    row[4] = run<op, uint8_t, result>;
  }
  if constexpr (dtypes == A || dtypes == I) row[5] = row[4];
}

template <class T>
void run_select(int64_t n, const uint8_t* mask, const void* a_, const void* b_, void* y_) {
  const T *a = static_cast<const T*>(a_), *b = static_cast<const T*>(b_);
  T* y = static_cast<T*>(y_);
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) y[i] = mask[i] ? a[i] : b[i];
}

}  // namespace
}  // namespace fastnn

FASTNN_FILL(binary, BinaryKernels) {
  using namespace fastnn;
#define FASTNN_FILL_OP(name, dtypes, result)                                                  \
  fill_op<BinaryOp::name, dtypes, result>(table->run[static_cast<int>(BinaryOp::name)]);      \
  fill_with_one<BinaryOp::name, float>(table->with_one[static_cast<int>(BinaryOp::name)][0]); \
  fill_with_one<BinaryOp::name, double>(table->with_one[static_cast<int>(BinaryOp::name)][1]);
  FASTNN_BINARY_OPS(FASTNN_FILL_OP)
#undef FASTNN_FILL_OP
  table->select[0] = table->select[2] = run_select<uint32_t>;
  table->select[1] = table->select[3] = run_select<uint64_t>;
  table->select[4] = table->select[5] = run_select<uint8_t>;
}
