/* Register by register along the units of a row; all gates of a unit meet in the same lane.
 *
 * With the default activations the kind of function is known to the compiler, else it is looked up
 * for every register. */
#include "kernels/rnn.h"

#include "kernels/fill.h"
#include "simd/vec_math.h"

namespace fastnn {
namespace {

/* A lambda that becomes part of the loop that it is given to. */
#define FASTNN_FLATTEN __attribute__((always_inline))

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

/* Where the registers of a row lie. */
template <class T>
struct Row {
  const RnnBlock& b;
  int64_t row, i, left;

  using V = Vec<T>;
  FASTNN_INLINE const T* at(const void* base, int64_t stride) const {
    return static_cast<const T*>(base) + row * stride + i;
  }
  FASTNN_INLINE T* at(void* base, int64_t stride) const {
    return static_cast<T*>(base) + row * stride + i;
  }
  FASTNN_INLINE V load(const T* p) const { return load_some(p, left); }
  FASTNN_INLINE void store(V value, T* p) const { store_some(value, p, left); }

  FASTNN_INLINE V gate(int k) const { return load(at(b.gates, b.gates_row) + k * b.gate); }
  FASTNN_INLINE V input(int k) const {
    return load(at(b.inputs, b.inputs_row) + k * FASTNN_RNN_UNITS);
  }
  FASTNN_INLINE V sum(int k) const { return load(at(b.sums, b.sums_row) + k * FASTNN_RNN_UNITS); }
  /* Of what is told by gate. */
  FASTNN_INLINE V told(const void* base, int k) const {
    return load(at(base, b.told_row) + k * b.gate);
  }
  FASTNN_INLINE V with(const void* bias, int k, V value) const {
    return bias ? value + told(bias, k) : value;
  }
  /* x @ w + h @ u + b */
  FASTNN_INLINE V z(int k) const { return with(b.bias, k, input(k) + sum(k)); }
  FASTNN_INLINE V h() const { return load(at(b.h, b.state_row)); }
  FASTNN_INLINE V c() const { return load(at(b.c, b.state_row)); }
  FASTNN_INLINE void keep(int k, V value) const {
    store(value, at(b.gates, b.gates_row) + k * b.gate);
  }
  FASTNN_INLINE void finish(V value) const {
    store(value, at(b.h_after, b.state_row));
    if (b.y) store(value, at(b.y, b.y_row));
  }
};

/* f(row) for all registers, down the rows: long loops that do little, so that what f needs stays in
 * registers. The block is a copy: nothing that is stored can change it. */
template <class T, class F>
FASTNN_INLINE void each(const RnnBlock b, F f) {
  for_registers<T>(b.units, [&](int64_t i, int64_t left) FASTNN_FLATTEN {
    for (int64_t row = 0; row < b.rows; ++row) f(Row<T>{b, row, i, left});
  });
}

/* The same for rows that count; others are passed over. */
template <class T, int cell, class F>
FASTNN_INLINE void finish_each(const RnnBlock b, F f) {
  if (!b.codes) return each<T>(b, f);
  constexpr int blocks = cell == kSimple ? 1 : 4;
  each<T>(b, [&](Row<T> r) FASTNN_FLATTEN {
    const int code = b.codes[r.row * b.codes_row];
    if (code == kRnnCounts) return f(r);
    /* q of the first stage is zero already; others may read it now. */
    for (int k = 0; k < blocks - (cell == kGruBefore); ++k) r.keep(k, Vec<T>::zero());
    r.store(r.h(), r.at(b.h_after, b.state_row));
    if (b.c) r.store(r.c(), r.at(b.c_after, b.state_row));
    if (b.y) r.store(code == kRnnRepeat ? r.h() : Vec<T>::zero(), r.at(b.y, b.y_row));
  });
}

template <class T, int cell, class F>
void lstm(const RnnBlock& b, const F f) {
  using R = Row<T>;
  using V = Vec<T>;
  constexpr bool peephole = cell == kLstmPeephole;
  for (int k = 0; k < 2; ++k)
    each<T>(b, [&](R r) FASTNN_FLATTEN {
      const V z = r.z(k);
      r.keep(k, f.s(peephole ? fma(r.told(r.b.peephole, k), r.c(), z) : z));
    });
  each<T>(b, [&](R r) FASTNN_FLATTEN {
    const V g = f.t(r.z(2));
    r.keep(2, g);
    r.store(fma(r.gate(1), r.c(), r.gate(0) * g), r.at(r.b.c_after, r.b.state_row));
  });
  each<T>(b, [&](R r) FASTNN_FLATTEN {
    const V z = r.z(3);
    const V after = r.load(r.at(r.b.c_after, r.b.state_row));
    r.keep(3, f.s(peephole ? fma(r.told(r.b.peephole, 2), after, z) : z));
  });
  finish_each<T, cell>(b, [&](R r) FASTNN_FLATTEN {
    r.finish(r.gate(3) * f.t(r.load(r.at(r.b.c_after, r.b.state_row))));
  });
}

template <class T>
FASTNN_INLINE Vec<T> between(Vec<T> update, Vec<T> h, Vec<T> fresh) {
  return fma(update, h, (constant<T>(1) - update) * fresh);
}

template <class T, class F>
void gru(const RnnBlock& b, const F f) {
  using R = Row<T>;
  for (int k = 0; k < 2; ++k)
    each<T>(b, [&](R r) FASTNN_FLATTEN { r.keep(k, f.s(r.with(r.b.recurrent_bias, k, r.z(k)))); });
  finish_each<T, kGru>(b, [&](R r) FASTNN_FLATTEN {
    const Vec<T> q = r.with(r.b.recurrent_bias, 2, r.sum(2));
    const Vec<T> fresh = f.t(fma(r.gate(1), q, r.with(r.b.bias, 2, r.input(2))));
    r.keep(2, fresh);
    r.keep(3, q);
    r.finish(between(r.gate(0), r.h(), fresh));
  });
}

template <class T, int cell, int stage, class F>
void forward_rows(const RnnBlock& b, const F f) {
  using R = Row<T>;
  if constexpr (cell == kSimple) {
    finish_each<T, cell>(b, [&](R r) FASTNN_FLATTEN {
      const Vec<T> value = f.t(r.z(0));
      r.keep(0, value);
      r.finish(value);
    });
  } else if constexpr (cell == kGru) {
    gru<T>(b, f);
  } else if constexpr (cell != kGruBefore) {
    lstm<T, cell>(b, f);
  } else if constexpr (stage == 0) {
    each<T>(b, [&](R r) FASTNN_FLATTEN { r.keep(0, f.s(r.z(0))); });
    each<T>(b, [&](R r) FASTNN_FLATTEN {
      const Vec<T> reset = f.s(r.z(1));
      const bool counts = !r.b.codes || r.b.codes[r.row * r.b.codes_row] == kRnnCounts;
      r.keep(1, reset);
      r.keep(3, counts ? reset * r.h() : Vec<T>::zero());
    });
  } else {
    finish_each<T, cell>(b, [&](R r) FASTNN_FLATTEN {
      const Vec<T> fresh = f.t(r.with(r.b.bias, 2, r.input(2) + r.sum(0)));
      r.keep(2, fresh);
      r.finish(between(r.gate(0), r.h(), fresh));
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
    T *dgates = row_of<T>(b.dgates, b.dgates_row, row), *dh = row_of<T>(b.dh, b.state_row, row),
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
    /* By itself, as its tables fill the registers; the place is written later. */
    T* squashed_c = dgates + 3 * gate;
    if constexpr (lstm)
      for_registers<T>(units, [&](int64_t i, int64_t left) FASTNN_FLATTEN {
        const At<T> at{i, left};
        at.store(f.t(at.load(c_after)), squashed_c);
      });
    for_registers<T>(units, [&](int64_t i, int64_t left) FASTNN_FLATTEN {
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
        const V squashed = at.load(squashed_c);
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
