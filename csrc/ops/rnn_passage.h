// The way of some rows and units through the steps of a recurrent layer.
#pragma once

#include <optional>

#include "core/kernel_table.h"
#include "ops/indices.h"
#include "ops/rnn_forward.h"

namespace fastnn {

// A group of rows and a run of blocks of units, on their way through the steps of a direction.
class RnnPassage {
 public:
  RnnPassage(const RnnForward& f, const RnnLine& line, int direction, int64_t row0, int64_t row1,
             const RnnShare& share, char* memory)
      : f_(f),
        line_(line),
        d_(direction),
        row0_(row0),
        rows_(row1 - row0),
        block0_(share.begin(f.unit_blocks)),
        block1_(share.end(f.unit_blocks)),
        share_(share),
        sums_(memory),
        inputs_(memory + f.sums_bytes()) {
    const int64_t step = std::max<int64_t>(f.step_bytes(rows_, block1_ - block0_), 1),
                  room = f.thread_bytes - f.sums_bytes();
    chunk_ = std::clamp<int64_t>(room / step, 1, f.shape.steps);
    products_ = inputs_ + chunk_ * rows_ * f.shape.depth() * f.shape.element();
    for (int s = 0; s < f.shape.cell.stages; ++s)
      stages_[s].emplace(f.shape.dtype, rows_, f.stages[s].most_rows, f.stages[s].columns(),
                         f.stages[s].k);
  }

  void go() {
    for (int64_t k0 = 0; k0 < f_.shape.steps; k0 += chunk_) {
      const int64_t k1 = std::min(k0 + chunk_, f_.shape.steps);
      f_.shape.of_ids ? pick_products(k0, k1) : multiply_inputs(k0, k1);
      for (int64_t k = k0; k < k1; ++k)
        for (int s = 0; s < f_.shape.cell.stages; ++s) {
          step({k, k - k0, k1 - k0, s});
          share_.meet();
        }
    }
  }

 private:
  void multiply_inputs(int64_t k0, int64_t k1) {
    const RnnShape& shape = f_.shape;
    const Array& x = f_.call.operand(kX);
    const char* a = inputs_;
    if (shape.batch == 1 && !line_.order.reversed)
      a = x.data + k0 * shape.inputs * shape.element();
    else
      to_step_order(x, line_.order, k0, k1, row0_, row0_ + rows_, inputs_);
    StepProduct product = f_.inputs.product(shape.dtype, (k1 - k0) * rows_);
    for (int64_t block = block0_; block < block1_; ++block)
      product.run(a, shape.inputs, line_.packed + block * f_.inputs.block,
                  products_of(block, 0, k1 - k0), f_.inputs.columns(), false, 0,
                  product.cut.panels);
  }

  // The products with ids: their rows of w.
  void pick_products(int64_t k0, int64_t k1) const {
    const RnnShape& shape = f_.shape;
    const Array &ids = f_.call.operand(kX), &w = f_.call.operand(kWeights, d_ * shape.weights_each);
    const int64_t element = shape.element(), units = f_.block_units;
    for (int64_t k = k0; k < k1; ++k)
      for (int64_t row = 0; row < rows_; ++row) {
        const int64_t place = (row0_ + row) * shape.steps + line_.order.at(k);
        const char* from =
            w.data + bounded(index_at(ids, place), shape.inputs) * shape.columns() * element;
        for (int64_t block = block0_; block < block1_; ++block) {
          const int64_t unit = block * units, count = std::min(units, shape.units - unit);
          char* to = products_of(block, k - k0, k1 - k0) + row * f_.inputs.columns() * element;
          for (int gate = 0; gate < shape.cell.gates; ++gate)
            std::memcpy(to + gate * units * element, from + (gate * shape.units + unit) * element,
                        static_cast<size_t>(count * element));
        }
      }
  }

  // [blocks, steps of the chunk, rows, gates of a block]
  char* products_of(int64_t block, int64_t step, int64_t steps) const {
    return products_ +
           ((block - block0_) * steps + step) * rows_ * f_.inputs.columns() * f_.shape.element();
  }

  struct Step {
    int64_t k, in_chunk, chunk;
    int stage;
  };

  // A block at a time; of a single row, whose blocks lie side by side, all products first.
  void step(const Step& at) {
    const int64_t sums = f_.stages[at.stage].columns() * f_.shape.element();
    for (int64_t block = block0_, many; block < block1_; block += many) {
      many = rows_ == 1 ? blocks_together(block) : 1;
      for (int64_t i = 0; i < many; ++i) multiply(at, block + i, sums_ + i * sums);
      RnnBlock b = gates_of(at, block);
      if (many > 1) {
        b.rows = many;
        b.inputs_row = at.chunk * f_.inputs.columns();
        b.gates_row = b.state_row = b.y_row = b.told_row = f_.block_units;
        b.codes_row = 0;
      }
      kernels().rnn.forward[f_.attributes.cell][at.stage][static_cast<int>(f_.shape.dtype)](&b);
    }
  }

  // Whole blocks.
  int64_t blocks_together(int64_t block) const {
    const int64_t whole = std::min(block1_, f_.shape.units / f_.block_units);
    return std::clamp<int64_t>(whole - block, 1, kRowsAtOnce);
  }

  void multiply(const Step& at, int64_t block, char* sums) {
    const RnnShape& shape = f_.shape;
    const PackedColumns& stage = f_.stages[at.stage];
    const int64_t element = shape.element(), units = shape.units, kept = shape.kept();
    const bool of_q = at.stage > 0;
    const char* a =
        of_q ? gates(at.k) + kBlockOfQ * units * element : state(0, at.k) + row0_ * units * element;
    const char* packed = line_.packed + f_.inputs.bytes + (of_q ? f_.stages[0].bytes : 0);
    // The gates are written where nothing has been for long.
    const Ahead written = {gates(at.k) + block * f_.block_units * element, units * element,
                           rows_ * shape.cell.blocks, f_.block_units * element / 64 + 1};
    stages_[at.stage]->run(a, of_q ? kept : units, packed + block * stage.block, sums,
                           stage.columns(), false, 0, stages_[at.stage]->cut.panels, written);
  }

  char* state(int i, int64_t k) const { return line_.state(i, k, f_.shape.state_bytes()); }
  char* gates(int64_t k) const {
    const int64_t row = f_.shape.kept() * f_.shape.element();
    return line_.gates_of(k, f_.shape.batch * row) + row0_ * row;
  }

  RnnBlock gates_of(const Step& at, int64_t block) const {
    const RnnShape& shape = f_.shape;
    const int64_t element = shape.element(), units = shape.units, unit = block * f_.block_units;
    const auto place = [&](char* base) { return base + (row0_ * units + unit) * element; };
    RnnBlock b{};
    b.rows = rows_;
    b.units = std::min(f_.block_units, units - unit);
    b.inputs_row = f_.inputs.columns();
    b.sums_row = f_.stages[at.stage].columns();
    b.gates_row = shape.kept();
    b.state_row = b.gate = units;
    b.inputs = products_of(block, at.in_chunk, at.chunk);
    b.sums = sums_;
    b.gates = gates(at.k) + unit * element;
    b.h = place(state(0, at.k));
    b.h_after = place(state(0, at.k + 1));
    if (shape.cell.states > 1) {
      b.c = place(state(1, at.k));
      b.c_after = place(state(1, at.k + 1));
    }
    if (f_.call.has(kY)) {
      const int64_t width = shape.directions * units;
      b.y_row = shape.steps * width;
      b.y = f_.call.operand(kY).data +
            (row0_ * b.y_row + line_.order.at(at.k) * width + d_ * units + unit) * element;
    }
    if (line_.codes) b.codes = line_.codes + at.k * shape.batch + row0_;
    b.codes_row = 1;
    const int first = d_ * shape.weights_each, last = first + shape.weights_each - 1;
    if (shape.has_bias) b.bias = f_.call.operand(kWeights, first + 2).data + unit * element;
    if (shape.has_bias && shape.cell.splits_bias)
      b.recurrent_bias = static_cast<const char*>(b.bias) + shape.columns() * element;
    if (shape.has_peephole) b.peephole = f_.call.operand(kWeights, last).data + unit * element;
    b.activation = static_cast<int32_t>(f_.attributes.activation);
    b.recurrent_activation = static_cast<int32_t>(f_.attributes.recurrent_activation);
    return b;
  }

  const RnnForward& f_;
  const RnnLine& line_;
  int d_;
  int64_t row0_, rows_, block0_, block1_, chunk_;
  const RnnShare& share_;
  char *sums_, *inputs_, *products_;
  std::optional<StepProduct> stages_[FASTNN_RNN_STAGES];
};

}  // namespace fastnn
