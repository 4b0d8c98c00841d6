// How a call of rnn is laid out: the columns of its weights as they are packed, and its memory.
#pragma once

#include "kernels/rnn.h"
#include "ops/rnn_team.h"

namespace fastnn {

enum RnnOperand { kY, kLast, kGates, kHistory, kX, kWeights, kInitial, kMask, kScratch };
enum RnnWanted { kWantSequence, kWantHistory };

// Units of a block: of cells with several gates, as kernels expect them.
constexpr int64_t kUnits = FASTNN_RNN_UNITS, kUnitsOfOneGate = 64;
constexpr int64_t kRowsAtOnce = 64;         // that go through the steps together
constexpr int64_t kChunkBytes = 256 << 10;  // of products with inputs

// Columns of a weight, packed: for a block of units those of some gates.
struct PackedColumns {
  int64_t k = 0, most_rows = 0;  // of the products
  int64_t first_gate = 0, gates = 0, units = 0;
  int64_t block = 0, bytes = 0;  // from a block of units to the next, and all of them

  int64_t columns() const { return gates * units; }
  StepProduct product(DType dtype, int64_t rows) const {
    return StepProduct(dtype, rows, most_rows, columns(), k);
  }
};

struct RnnForward {
  const Call& call;
  const RnnAttributes& attributes;
  RnnShape shape;
  int64_t block_units, unit_blocks;
  PackedColumns inputs, stages[FASTNN_RNN_STAGES];
  int64_t packed_bytes = 0;  // of a direction
  // Where things lie in the scratch memory: those of a direction each, then those of a thread.
  int64_t packed_at, states_at, gates_at, codes_at, threads_at, bytes;
  int64_t states_bytes, gates_bytes, codes_bytes, thread_bytes;

  explicit RnnForward(const Call& call)
      : call(call), attributes(call.attributes.as<RnnAttributes>()), shape(call, kX, kWeights) {
    block_units = shape.cell.gates == 1 ? kUnitsOfOneGate : kUnits;
    unit_blocks = ceil_div(shape.units, block_units);
    inputs.k = shape.depth();
    inputs.units = block_units;
    inputs.most_rows = shape.rows();
    inputs.gates = shape.cell.gates;
    for (int i = 0; i < shape.cell.segment_count; ++i) {
      const Segment& segment = shape.cell.segments[i];
      PackedColumns& stage = stages[segment.stage];
      if (stage.gates == 0) stage.first_gate = segment.gate;
      stage.gates += segment.gates;
      stage.k = shape.units;
      stage.units = block_units;
      stage.most_rows = shape.batch;
    }
    if (!empty()) {
      if (!shape.of_ids) place(inputs);
      for (int s = 0; s < shape.cell.stages; ++s) place(stages[s]);
    }
    states_bytes = keeps() ? 0 : aligned(2 * shape.state_bytes());
    gates_bytes = keeps() ? 0 : aligned(shape.batch * shape.kept() * shape.element());
    codes_bytes = call.has(kMask) ? aligned(shape.rows()) : 0;
    thread_bytes =
        aligned(std::max(kChunkBytes, step_bytes(kRowsAtOnce, unit_blocks))) + sums_bytes();
    const int64_t d = shape.directions;
    packed_at = 0;
    states_at = packed_at + d * packed_bytes;
    gates_at = states_at + d * shape.cell.states * states_bytes;
    codes_at = gates_at + d * gates_bytes;
    threads_at = codes_at + d * codes_bytes;
    bytes = threads_at + thread_count() * thread_bytes;
  }

  bool empty() const { return shape.batch == 0 || shape.units == 0 || shape.steps == 0; }
  bool keeps() const { return attributes.want[kWantHistory] != 0; }

  // What one step takes of a thread's memory: its inputs, and their products.
  int64_t step_bytes(int64_t rows, int64_t blocks) const {
    return rows * (shape.depth() + blocks * inputs.columns()) * shape.element();
  }
  int64_t sums_bytes() const { return aligned(kRowsAtOnce * inputs.columns() * shape.element()); }

 private:
  void place(PackedColumns& packed) {
    const StepProduct product = packed.product(shape.dtype, packed.most_rows);
    packed.block = product.packed_elements() * shape.element();
    packed.bytes = aligned(packed.block * unit_blocks);
    packed_bytes += packed.bytes;
  }
};

// w and u of one direction, packed: `inputs`, then each of `stages`.
void pack_rnn_weights(const RnnForward& f, int direction, char* to);

// What one direction reads and writes, from step to step.
struct RnnLine {
  RnnOrder order;
  const char* packed = nullptr;  // w, then u for each stage
  const unsigned char* codes = nullptr;
  char* gates = nullptr;
  char* states[2] = {};
  int64_t kept_steps = 0;  // of states; those beyond begin again. Of gates: one, or all

  char* gates_of(int64_t step, int64_t bytes) const {
    return gates + (kept_steps > 2 ? step : 0) * bytes;
  }
  char* state(int i, int64_t step, int64_t bytes) const {
    return states[i] + step % kept_steps * bytes;
  }
};

}  // namespace fastnn
