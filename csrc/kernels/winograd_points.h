// The matrices of Winograd's minimal filtering, for one column or row of a tile (kernels/winograd.h
// has the points), and what goes through each.
#pragma once

#include "simd/vec.h"

namespace fastnn {
namespace {

using V = Vec<float>;

FASTNN_INLINE V times(float x, V a, V b) { return fma(V::broadcast(x), a, b); }

/* One column or row of the transforms of F(Size, Taps). */
template <int Size, int Taps>
struct Points;

template <>
struct Points<2, 3> {
  static FASTNN_INLINE void input(const V (&d)[4], V (&u)[4]) {
    u[0] = d[0] - d[2];
    u[1] = d[1] + d[2];
    u[2] = d[2] - d[1];
    u[3] = d[1] - d[3];
  }
  static FASTNN_INLINE void kernel(const V (&g)[3], V (&u)[4]) {
    const V half = V::broadcast(0.5f), ends = (g[0] + g[2]) * half, middle = g[1] * half;
    u[0] = g[0];
    u[1] = ends + middle;
    u[2] = ends - middle;
    u[3] = g[2];
  }
  static FASTNN_INLINE void output(const V (&m)[4], V (&y)[2]) {
    y[0] = m[0] + (m[1] + m[2]);
    y[1] = (m[1] - m[2]) - m[3];
  }
};

template <>
struct Points<4, 3> {
  static FASTNN_INLINE void input(const V (&d)[6], V (&u)[6]) {
    const V a = times(-4, d[2], d[4]), b = times(-4, d[1], d[3]);
    const V c = d[4] - d[2], e = d[3] - d[1];
    u[0] = times(4, d[0], times(-5, d[2], d[4]));
    u[1] = a + b;
    u[2] = a - b;
    u[3] = times(2, e, c);
    u[4] = times(-2, e, c);
    u[5] = times(4, d[1], times(-5, d[3], d[5]));
  }
  static FASTNN_INLINE void kernel(const V (&g)[3], V (&u)[6]) {
    const V sixth = V::broadcast(1.0f / 6), twelfth = V::broadcast(1.0f / 12);
    const V ends = -(g[0] + g[2]) * sixth, middle = g[1] * sixth;
    const V far = times(1.0f / 24, g[0], g[2] * sixth), between = g[1] * twelfth;
    u[0] = g[0] * V::broadcast(0.25f);
    u[1] = ends - middle;
    u[2] = ends + middle;
    u[3] = far + between;
    u[4] = far - between;
    u[5] = g[2];
  }
  static FASTNN_INLINE void output(const V (&m)[6], V (&y)[4]) {
    const V s = m[1] + m[2], d = m[1] - m[2], u = m[3] + m[4], v = m[3] - m[4];
    y[0] = (m[0] + s) + u;
    y[1] = times(2, v, d);
    y[2] = times(4, u, s);
    y[3] = times(8, v, d) + m[5];
  }
};

template <>
struct Points<2, 5> {
  static FASTNN_INLINE void input(const V (&d)[6], V (&u)[6]) { Points<4, 3>::input(d, u); }
  static FASTNN_INLINE void kernel(const V (&g)[5], V (&u)[6]) {
    const V sixth = V::broadcast(1.0f / 6);
    const V even = -((g[0] + g[2]) + g[4]) * sixth, odd = (g[1] + g[3]) * sixth;
    const V far = times(2.0f / 3, g[4], times(1.0f / 24, g[0], g[2] * sixth));
    const V between = times(1.0f / 3, g[3], g[1] * V::broadcast(1.0f / 12));
    u[0] = g[0] * V::broadcast(0.25f);
    u[1] = even - odd;
    u[2] = even + odd;
    u[3] = far + between;
    u[4] = far - between;
    u[5] = g[4];
  }
  static FASTNN_INLINE void output(const V (&m)[6], V (&y)[2]) {
    const V s = m[1] + m[2], d = m[1] - m[2], u = m[3] + m[4], v = m[3] - m[4];
    y[0] = (m[0] + s) + u;
    y[1] = times(2, v, d) + m[5];
  }
};

template <>
struct Points<2, 7> {
  static FASTNN_INLINE void pair(V even, V odd, V (&u)[8], int at) {
    u[at] = even + odd;
    u[at + 1] = even - odd;
  }
  static FASTNN_INLINE void input(const V (&d)[8], V (&u)[8]) {
    u[0] = times(5.25f, d[4] - d[2], d[0] - d[6]);
    pair(times(-4.25f, d[4], d[2] + d[6]), times(-4.25f, d[3], d[1] + d[5]), u, 1);
    pair(times(0.25f, d[2], times(-1.25f, d[4], d[6])),
         times(0.5f, d[1], times(-2.5f, d[3], d[5] + d[5])), u, 3);
    pair(times(4, d[2], times(-5, d[4], d[6])), times(0.5f, d[5], times(-2.5f, d[3], d[1] + d[1])),
         u, 5);
    u[7] = times(5.25f, d[3] - d[5], d[7] - d[1]);
  }
  static FASTNN_INLINE void kernel(const V (&g)[7], V (&u)[8]) {
    const V ninth = V::broadcast(-2.0f / 9), ninetieth = V::broadcast(1.0f / 90);
    const V part = V::broadcast(1.0f / 45);
    u[0] = g[0];
    pair(((g[0] + g[2]) + (g[4] + g[6])) * ninth, ((g[1] + g[3]) + g[5]) * ninth, u, 1);
    pair(times(64, g[6], times(16, g[4], times(4, g[2], g[0]))) * ninetieth,
         times(32, g[5], times(8, g[3], g[1] + g[1])) * ninetieth, u, 3);
    pair(times(32, g[0], times(8, g[2], times(0.5f, g[6], g[4] + g[4]))) * part,
         times(16, g[1], times(4, g[3], g[5])) * part, u, 5);
    u[7] = g[6];
  }
  static FASTNN_INLINE void output(const V (&m)[8], V (&y)[2]) {
    y[0] = (m[0] + (m[1] + m[2])) + ((m[3] + m[4]) + (m[5] + m[6]));
    y[1] = times(0.5f, m[5] - m[6], times(2, m[3] - m[4], m[1] - m[2])) + m[7];
  }
};

/* The transposed matrices of F(Size, Taps): of `output` (a tile of the signal to frequencies), of
 * `kernel` (sums of products to taps) and of `input` (products to what they add to the image). */
template <int Size, int Taps>
struct Adjoint;

template <>
struct Adjoint<4, 3> {
  static FASTNN_INLINE void output(const V (&d)[4], V (&u)[6]) {
    const V even = d[0] + d[2], odd = d[1] + d[3];
    const V far = times(4, d[2], d[0]), between = times(4, d[3], d[1]);
    u[0] = d[0];
    u[1] = even + odd;
    u[2] = even - odd;
    u[3] = times(2, between, far);
    u[4] = times(-2, between, far);
    u[5] = d[3];
  }
  static FASTNN_INLINE void kernel(const V (&m)[6], V (&y)[3]) {
    const V s = m[1] + m[2], d = m[2] - m[1], u = m[3] + m[4], v = m[3] - m[4];
    const V near = s * V::broadcast(-1.0f / 6);
    y[0] = times(0.25f, m[0], times(1.0f / 24, u, near));
    y[1] = times(1.0f / 6, d, v * V::broadcast(1.0f / 12));
    y[2] = times(1.0f / 6, u, near) + m[5];
  }
  static FASTNN_INLINE void input(const V (&m)[6], V (&x)[6]) {
    const V s = m[1] + m[2], d = m[1] - m[2], u = m[3] + m[4], v = m[3] - m[4];
    const V twice = v + v;
    x[0] = m[0] * V::broadcast(4);
    x[1] = times(4, m[5] - d, -twice);
    x[2] = times(-5, m[0], times(-4, s, -u));
    x[3] = times(-5, m[5], d + twice);
    x[4] = (m[0] + s) + u;
    x[5] = m[5];
  }
};

template <>
struct Adjoint<2, 5> {
  static FASTNN_INLINE void output(const V (&d)[2], V (&u)[6]) {
    const V twice = d[1] + d[1];
    u[0] = d[0];
    u[1] = d[0] + d[1];
    u[2] = d[0] - d[1];
    u[3] = d[0] + twice;
    u[4] = d[0] - twice;
    u[5] = d[1];
  }
  static FASTNN_INLINE void kernel(const V (&m)[6], V (&y)[5]) {
    const V s = m[1] + m[2], u = m[3] + m[4], v = m[3] - m[4];
    const V near = s * V::broadcast(-1.0f / 6), odd = (m[2] - m[1]) * V::broadcast(1.0f / 6);
    y[0] = times(0.25f, m[0], times(1.0f / 24, u, near));
    y[1] = times(1.0f / 12, v, odd);
    y[2] = times(1.0f / 6, u, near);
    y[3] = times(1.0f / 3, v, odd);
    y[4] = times(2.0f / 3, u, near) + m[5];
  }
};

template <>
struct Adjoint<2, 7> {
  static FASTNN_INLINE void output(const V (&d)[2], V (&u)[8]) {
    const V twice = d[1] + d[1], half = d[1] * V::broadcast(0.5f);
    u[0] = d[0];
    u[1] = d[0] + d[1];
    u[2] = d[0] - d[1];
    u[3] = d[0] + twice;
    u[4] = d[0] - twice;
    u[5] = d[0] + half;
    u[6] = d[0] - half;
    u[7] = d[1];
  }
  static FASTNN_INLINE void kernel(const V (&m)[8], V (&y)[7]) {
    const V ninth = V::broadcast(-2.0f / 9), ninetieth = V::broadcast(1.0f / 90);
    const V part = V::broadcast(1.0f / 45);
    const V s = (m[1] + m[2]) * ninth, d = (m[1] - m[2]) * ninth;
    const V u = (m[3] + m[4]) * ninetieth, v = (m[3] - m[4]) * ninetieth;
    const V p = (m[5] + m[6]) * part, q = (m[5] - m[6]) * part;
    y[0] = (m[0] + s) + times(32, p, u);
    y[1] = times(2, v, times(16, q, d));
    y[2] = times(4, u, times(8, p, s));
    y[3] = times(8, v, times(4, q, d));
    y[4] = times(16, u, times(2, p, s));
    y[5] = times(32, v, d + q);
    y[6] = times(64, u, times(0.5f, p, s)) + m[7];
  }
};

/* What a line of a tile goes through. */
template <int Size, int Taps>
struct Image {
  static FASTNN_INLINE void apply(const V (&d)[Size + Taps - 1], V (&u)[Size + Taps - 1]) {
    Points<Size, Taps>::input(d, u);
  }
};
template <int Size, int Taps>
struct Result {
  static FASTNN_INLINE void apply(const V (&m)[Size + Taps - 1], V (&y)[Size]) {
    Points<Size, Taps>::output(m, y);
  }
};

template <int Size, int Taps>
struct Signal {
  static FASTNN_INLINE void apply(const V (&d)[Size], V (&u)[Size + Taps - 1]) {
    Adjoint<Size, Taps>::output(d, u);
  }
};
template <int Size, int Taps>
struct Sums {
  static FASTNN_INLINE void apply(const V (&m)[Size + Taps - 1], V (&y)[Taps]) {
    Adjoint<Size, Taps>::kernel(m, y);
  }
};
template <int Size, int Taps>
struct Overlapping {
  static FASTNN_INLINE void apply(const V (&m)[Size + Taps - 1], V (&x)[Size + Taps - 1]) {
    Adjoint<Size, Taps>::input(m, x);
  }
};

}  // namespace
}  // namespace fastnn
