/* Register by register along the units of a row; all gates of a unit meet in the same lane.
 *
 * With the default activations the kind of function is known to the compiler, else it is looked up
 * for every register. */
#include "kernels/rnn.h"

#include "kernels/fill.h"
#include "simd/vec_math.h"

namespace fastnn {
namespace {

enum CellCode { kSimple, kLstm, kLstmPeephole, kGru, kGruBefore };

/* The activations of a call. */
struct Looked {
  int32_t activation, recurrent;

  template <class T>
  static FASTNN_INLINE Vec<T> value(int32_t code, Vec<T> x) {
    switch (code) {
      case kRnnTanh:
        return tanh(x);
      case kRnnSigmoid:
        return sigmoid(x);
      case kRnnRelu:
        return maximum(x, Vec<T>::zero());
      default:
        return x;
    }
  }
  /* dy times the derivative, by the function's value. */
  template <class T>
  static FASTNN_INLINE Vec<T> slope(int32_t code, Vec<T> dy, Vec<T> y) {
    switch (code) {
      case kRnnTanh:
        return fma(-dy * y, y, dy);
      case kRnnSigmoid:
        return dy * (y * (constant<T>(1) - y));
      case kRnnRelu:
        return select(y > Vec<T>::zero(), dy, Vec<T>::zero());
      default:
        return dy;
    }
  }

  template <class T>
  FASTNN_INLINE Vec<T> t(Vec<T> x) const {
    return value(activation, x);
  }
  template <class T>
  FASTNN_INLINE Vec<T> s(Vec<T> x) const {
    return value(recurrent, x);
  }
  template <class T>
  FASTNN_INLINE Vec<T> dt(Vec<T> dy, Vec<T> y) const {
    return slope(activation, dy, y);
  }
  template <class T>
  FASTNN_INLINE Vec<T> ds(Vec<T> dy, Vec<T> y) const {
    return slope(recurrent, dy, y);
  }
};

/* tanh and sigmoid. */
struct Usual {
  template <class T>
  FASTNN_INLINE Vec<T> t(Vec<T> x) const {
    return tanh(x);
  }
  template <class T>
  FASTNN_INLINE Vec<T> s(Vec<T> x) const {
    return sigmoid(x);
  }
  template <class T>
  FASTNN_INLINE Vec<T> dt(Vec<T> dy, Vec<T> y) const {
    return Looked::slope(kRnnTanh, dy, y);
  }
  template <class T>
  FASTNN_INLINE Vec<T> ds(Vec<T> dy, Vec<T> y) const {
    return Looked::slope(kRnnSigmoid, dy, y);
  }
};

/* Pointers to a row; at(p, i) is the register at unit i. */
template <class T>
struct At {
  int64_t i, left;

  FASTNN_INLINE Vec<T> load(const T* p) const { return load_some(p + i, left); }
  FASTNN_INLINE void store(Vec<T> value, T* p) const { store_some(value, p + i, left); }
};

template <class T>
FASTNN_INLINE T* row_of(void* base, int64_t stride, int64_t row) {
  return base ? static_cast<T*>(base) + row * stride : nullptr;
}
template <class T>
FASTNN_INLINE const T* row_of(const void* base, int64_t stride, int64_t row) {
  return base ? static_cast<const T*>(base) + row * stride : nullptr;
}

template <class T>
FASTNN_INLINE void copy_units(const T* from, T* to, int64_t units) {
  for_registers<T>(units, [&](int64_t i, int64_t left) {
    const At<T> at{i, left};
    at.store(at.load(from), to);
  });
}
template <class T>
FASTNN_INLINE void zero_units(T* to, int64_t units) {
  for_registers<T>(units,
                   [&](int64_t i, int64_t left) { At<T>{i, left}.store(Vec<T>::zero(), to); });
}

/* ---- forward ---------------------------------------------------------------------------------*/

template <class T, int cell, int stage, class F>
void forward_rows(const RnnBlock& b, const F f) {
  using V = Vec<T>;
  constexpr int64_t S = FASTNN_RNN_UNITS;
  constexpr bool lstm = cell == kLstm || cell == kLstmPeephole, last = cell != kGruBefore || stage;
  const int64_t gate = b.gate, units = b.units;
  const T *bias = static_cast<const T*>(b.bias), *peephole = static_cast<const T*>(b.peephole);
  const V one = constant<T>(1);
  for (int64_t row = 0; row < b.rows; ++row) {
    const int code = b.codes ? b.codes[row] : int{kRnnCounts};
    const T *sums = row_of<T>(b.sums, b.sums_row, row), *h = row_of<T>(b.h, b.state_row, row),
            *c = row_of<T>(b.c, b.state_row, row);
    T *gates = row_of<T>(b.gates, b.gates_row, row), *y = row_of<T>(b.y, b.y_row, row),
      *h_after = row_of<T>(b.h_after, b.state_row, row),
      *c_after = row_of<T>(b.c_after, b.state_row, row);
    if (code != kRnnCounts) {
      constexpr int blocks = cell == kSimple ? 1 : 4;
      for (int k = 0; k < blocks; ++k) zero_units<T>(gates + k * gate, units);
      if (!last) continue;
      copy_units<T>(h, h_after, units);
      if (lstm) copy_units<T>(c, c_after, units);
      if (y && code == kRnnRepeat) copy_units<T>(h, y, units);
      if (y && code == kRnnZero) zero_units<T>(y, units);
      continue;
    }
    for_registers<T>(units, [&](int64_t i, int64_t left) {
      const At<T> at{i, left};
      const auto z = [&](int k) { return at.load(gates + k * gate); };
      const auto sum = [&](int k) { return at.load(sums + k * S); };
      const auto keep = [&](int k, V value) { at.store(value, gates + k * gate); };
      const auto finish = [&](V value) {
        at.store(value, h_after);
        if (y) at.store(value, y);
      };
      if constexpr (cell == kSimple) {
        const V value = f.t(z(0) + sum(0));
        keep(0, value);
        finish(value);
      } else if constexpr (lstm) {
        const V before = at.load(c);
        V in = z(0) + sum(0), forget = z(1) + sum(1), out = z(3) + sum(3);
        if constexpr (cell == kLstmPeephole) {
          in = fma(at.load(peephole), before, in);
          forget = fma(at.load(peephole + gate), before, forget);
        }
        in = f.s(in);
        forget = f.s(forget);
        const V g = f.t(z(2) + sum(2)), after = fma(forget, before, in * g);
        if constexpr (cell == kLstmPeephole) out = fma(at.load(peephole + 2 * gate), after, out);
        out = f.s(out);
        keep(0, in);
        keep(1, forget);
        keep(2, g);
        keep(3, out);
        at.store(after, c_after);
        finish(out * f.t(after));
      } else if constexpr (cell == kGru) {
        const auto seen = [&](int k) { return bias ? at.load(bias + k * gate) + sum(k) : sum(k); };
        const V update = f.s(z(0) + seen(0)), reset = f.s(z(1) + seen(1)), q = seen(2);
        const V fresh = f.t(fma(reset, q, z(2)));
        keep(0, update);
        keep(1, reset);
        keep(2, fresh);
        keep(3, q);
        finish(fma(update, at.load(h), (one - update) * fresh));
      } else if constexpr (stage == 0) {
        const V update = f.s(z(0) + sum(0)), reset = f.s(z(1) + sum(1));
        keep(0, update);
        keep(1, reset);
        keep(3, reset * at.load(h));
      } else {
        const V update = z(0), fresh = f.t(z(2) + sum(0));
        keep(2, fresh);
        finish(fma(update, at.load(h), (one - update) * fresh));
      }
    });
  }
}

template <class T, int cell, int stage>
void forward(const RnnBlock* block) {
  const bool usual = block->activation == kRnnTanh &&
                     (cell == kSimple || block->recurrent_activation == kRnnSigmoid);
  if (usual)
    forward_rows<T, cell, stage>(*block, Usual{});
  else
    forward_rows<T, cell, stage>(*block, Looked{block->activation, block->recurrent_activation});
}

/* ---- backward --------------------------------------------------------------------------------*/

template <class T, int cell, int stage, class F>
void backward_rows(const RnnBlockGradient& b, const F f) {
  using V = Vec<T>;
  constexpr bool lstm = cell == kLstm || cell == kLstmPeephole;
  constexpr bool first = cell != kGruBefore || stage; /* of the stages, going back */
  constexpr int blocks = cell == kSimple ? 1 : 4;
  const int64_t gate = b.gate, units = b.units;
  const T* peephole = static_cast<const T*>(b.peephole);
  const V one = constant<T>(1);
  for (int64_t row = 0; row < b.rows; ++row) {
    const int code = b.codes ? b.codes[row] : int{kRnnCounts};
    const T *gates = row_of<T>(b.gates, b.gates_row, row), *h = row_of<T>(b.h, b.state_row, row),
            *c = row_of<T>(b.c, b.state_row, row),
            *c_after = row_of<T>(b.c_after, b.state_row, row), *dy = row_of<T>(b.dy, b.dy_row, row),
            *dq = row_of<T>(b.dq, b.state_row, row);
    T *dgates = row_of<T>(b.dgates, b.gates_row, row), *dh = row_of<T>(b.dh, b.state_row, row),
      *dc = row_of<T>(b.dc, b.state_row, row);
    if (code != kRnnCounts) {
      if (!first) continue;
      for (int k = 0; k < blocks; ++k) zero_units<T>(dgates + k * gate, units);
      if (dy && code == kRnnRepeat)
        for_registers<T>(units, [&](int64_t i, int64_t left) {
          const At<T> at{i, left};
          at.store(at.load(dh) + at.load(dy), dh);
        });
      continue;
    }
    for_registers<T>(units, [&](int64_t i, int64_t left) {
      const At<T> at{i, left};
      const auto value = [&](int k) { return at.load(gates + k * gate); };
      const auto keep = [&](int k, V gradient) { at.store(gradient, dgates + k * gate); };
      if constexpr (cell == kGruBefore && stage == 0) {
        const V reset = value(1), by_q = at.load(dq);
        keep(1, f.ds(by_q * at.load(h), reset));
        at.store(fma(by_q, reset, at.load(dh)), dh);
        return;
      }
      V by_h = at.load(dh);
      if (dy) by_h = by_h + at.load(dy);
      if constexpr (cell == kSimple) {
        keep(0, f.dt(by_h, value(0)));
        at.store(V::zero(), dh);
      } else if constexpr (lstm) {
        const V in = value(0), forget = value(1), g = value(2), out = value(3);
        const V squashed = f.t(at.load(c_after));
        const V by_out = f.ds(by_h * squashed, out);
        V by_c = at.load(dc) + f.dt(by_h * out, squashed);
        if constexpr (cell == kLstmPeephole) by_c = fma(at.load(peephole + 2 * gate), by_out, by_c);
        const V by_in = f.ds(by_c * g, in), by_forget = f.ds(by_c * at.load(c), forget);
        V before = by_c * forget;
        if constexpr (cell == kLstmPeephole)
          before = fma(at.load(peephole), by_in, fma(at.load(peephole + gate), by_forget, before));
        keep(0, by_in);
        keep(1, by_forget);
        keep(2, f.dt(by_c * in, g));
        keep(3, by_out);
        at.store(before, dc);
        at.store(V::zero(), dh);
      } else {
        const V update = value(0), fresh = value(2);
        const V by_fresh = f.dt(by_h * (one - update), fresh);
        keep(0, f.ds(by_h * (at.load(h) - fresh), update));
        keep(2, by_fresh);
        at.store(by_h * update, dh);
        if constexpr (cell == kGru) {
          const V reset = value(1);
          keep(1, f.ds(by_fresh * value(3), reset));
          keep(3, by_fresh * reset);
        }
      }
    });
  }
}

template <class T, int cell, int stage>
void backward(const RnnBlockGradient* block) {
  const bool usual = block->activation == kRnnTanh &&
                     (cell == kSimple || block->recurrent_activation == kRnnSigmoid);
  if (usual)
    backward_rows<T, cell, stage>(*block, Usual{});
  else
    backward_rows<T, cell, stage>(*block, Looked{block->activation, block->recurrent_activation});
}

template <int cell, int stage>
void fill_stage(RnnKernels* table) {
  table->forward[cell][stage][0] = forward<float, cell, stage>;
  table->forward[cell][stage][1] = forward<double, cell, stage>;
  table->backward[cell][stage][0] = backward<float, cell, stage>;
  table->backward[cell][stage][1] = backward<double, cell, stage>;
}

}  // namespace
}  // namespace fastnn

FASTNN_FILL(rnn, RnnKernels) {
  using namespace fastnn;
  fill_stage<kSimple, 0>(table);
  fill_stage<kLstm, 0>(table);
  fill_stage<kLstmPeephole, 0>(table);
  fill_stage<kGru, 0>(table);
  fill_stage<kGruBefore, 0>(table);
  fill_stage<kGruBefore, 1>(table);
}
