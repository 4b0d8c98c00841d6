// What the drivers of recurrent layers share: the cells as data, and what a call says.
//
// The specification is fastnn/backends/reference/recurrent.py. Inside, arrays are [steps, batch,
// ...], steps in the order in which a direction visits them.
#pragma once

#include <cstdint>

#include "core/primitive.h"

namespace fastnn {

enum class Cell : int64_t { simple, lstm, lstm_peephole, gru, gru_before, count };
constexpr int kMaxDirections = 2;

// Products of a step that read the same rows: columns of `gates` gates of u, from `gate` on, times
// the states before the step, or q; their gradients lie in the blocks from `block` on.
struct Segment {
  int stage;  // of the step: later stages read what earlier ones made
  bool of_q;
  int gate, gates, block;
};

struct CellInfo {
  int gates;   // of w and u
  int blocks;  // that are kept of each step
  int states;
  int stages;
  int segment_count;
  Segment segments[2];
  bool splits_bias;  // one for x @ w, one for h @ u
};
constexpr int kBlockOfQ = 3;

const CellInfo& cell_info(Cell cell);

struct RnnAttributes {
  int64_t cell, activation, recurrent_activation, directions, backwards, zero_masked;
  int64_t want[3];  // rnn: sequence, history; rnn_backward: dx, dweights, dinitial
};

// The attributes that both primitives begin with.
std::vector<AttributeInfo> rnn_attributes();

// Extents and weights of a call, whose operands `x` and `weights` are. x may be ids [batch, steps]:
// each stands for its row of w, as if x were zeros but for a one there.
struct RnnShape {
  const CellInfo& cell;
  bool of_ids;
  DType dtype;
  int64_t steps, batch, inputs, units;
  int directions, weights_each;
  bool has_bias, has_peephole;

  RnnShape(const Call& call, int x, int weights);
  // Checks x, weights and mask first.
  static RnnShape checked(const Call& call, int x, int weights, int mask);
  // Checks a list like that of the initial states, if it is there.
  void check_states(const Call& call, int operand) const;

  // Of what is multiplied by w.
  int64_t depth() const { return of_ids ? 0 : inputs; }

  int64_t element() const { return item_size(dtype); }
  int64_t columns() const { return cell.gates * units; }  // of w and u
  int64_t kept() const { return cell.blocks * units; }    // of a row of gates
  int64_t rows() const { return steps * batch; }
  int states() const { return directions * cell.states; }
  int64_t state_bytes() const { return batch * units * element(); }
};

// The first id that is no row of w, if x is ids.
Status check_ids(const Call& call, int x, int weights);

void register_rnn_backward();

}  // namespace fastnn
