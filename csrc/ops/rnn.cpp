// rnn: a recurrent layer over whole sequences.
//
// A thread takes some rows of the batch, or some units, through all steps. For a chunk of steps it
// multiplies the inputs by w; then, step by step and for a block of units at a time, h by u, and
// the gates follow while those sums are in the first cache. The columns of w and u are packed once,
// block by block, the gates of a block side by side.
#include <cstddef>
#include <optional>

#include "core/kernel_table.h"
#include "ops/all.h"
#include "ops/checks.h"
#include "ops/rnn_team.h"

namespace fastnn {
namespace {

enum { Y, Last, Gates, History, X, Weights, Initial, Mask, Scratch };
enum { kWantSequence, kWantHistory };

// Units of a block: of cells with several gates, as kernels expect them.
constexpr int64_t kUnits = FASTNN_RNN_UNITS, kUnitsOfOneGate = 64;
constexpr int64_t kRowsAtOnce = 48;         // that go through the steps together
constexpr int64_t kChunkBytes = 256 << 10;  // of products with inputs

// Columns of a weight, packed: for a block of units those of some gates.
struct Packed {
  int64_t k = 0, most_rows = 0;  // of the products
  int64_t first_gate = 0, gates = 0, units = 0;
  int64_t block = 0, bytes = 0;  // from a block of units to the next, and all of them

  int64_t columns() const { return gates * units; }
  StepProduct product(DType dtype, int64_t rows) const {
    return StepProduct(dtype, rows, most_rows, columns(), k);
  }
};

struct Forward {
  const Call& call;
  const RnnAttributes& attributes;
  RnnShape shape;
  int64_t block_units, unit_blocks;
  Packed inputs, stages[FASTNN_RNN_STAGES];
  int64_t packed_bytes = 0;  // of a direction
  // Where things lie in the scratch memory: those of a direction each, then those of a thread.
  int64_t packed_at, states_at, gates_at, codes_at, threads_at, bytes;
  int64_t states_bytes, gates_bytes, codes_bytes, thread_bytes;

  explicit Forward(const Call& call)
      : call(call), attributes(call.attributes.as<RnnAttributes>()), shape(call, X, Weights) {
    block_units = shape.cell.gates == 1 ? kUnitsOfOneGate : kUnits;
    unit_blocks = ceil_div(shape.units, block_units);
    inputs.k = shape.inputs;
    inputs.units = block_units;
    inputs.most_rows = shape.rows();
    inputs.gates = shape.cell.gates;
    for (int i = 0; i < shape.cell.segment_count; ++i) {
      const Segment& segment = shape.cell.segments[i];
      Packed& stage = stages[segment.stage];
      if (stage.gates == 0) stage.first_gate = segment.gate;
      stage.gates += segment.gates;
      stage.k = shape.units;
      stage.units = block_units;
      stage.most_rows = shape.batch;
    }
    if (!empty()) {
      place(inputs);
      for (int s = 0; s < shape.cell.stages; ++s) place(stages[s]);
    }
    states_bytes = keeps() ? 0 : aligned(2 * shape.state_bytes());
    gates_bytes = keeps() ? 0 : aligned(shape.batch * shape.kept() * shape.element());
    codes_bytes = call.has(Mask) ? aligned(shape.rows()) : 0;
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
    return rows * (shape.inputs + blocks * inputs.columns()) * shape.element();
  }
  int64_t sums_bytes() const { return aligned(kRowsAtOnce * inputs.columns() * shape.element()); }

 private:
  void place(Packed& packed) {
    const StepProduct product = packed.product(shape.dtype, packed.most_rows);
    packed.block = product.packed_elements() * shape.element();
    packed.bytes = aligned(packed.block * unit_blocks);
    packed_bytes += packed.bytes;
  }
};

void pack(const Forward& f, const Packed& packed, const char* weight, char* to) {
  const RnnShape& shape = f.shape;
  const StepProduct product = packed.product(shape.dtype, packed.most_rows);
  const GemmCut& cut = product.cut;
  const int64_t piece = std::min(cut.panel, packed.units);
  parallel_for(f.unit_blocks, [&](int64_t block) {
    char* own = to + block * packed.block;
    if ((block + 1) * packed.units > shape.units)
      std::memset(own, 0, static_cast<size_t>(packed.block));
    for (int64_t p = 0; p < packed.k; p += kSumBlock) {
      const int64_t depth = std::min(packed.k - p, kSumBlock);
      for (int64_t column = 0; column < packed.columns(); column += piece) {
        const int64_t unit = block * packed.units + column % packed.units,
                      left = shape.units - unit;
        if (left <= 0) continue;
        const int64_t gate = packed.first_gate + column / packed.units;
        Packing packing;
        packing.from = cut.at(weight, p * shape.columns() + gate * shape.units + unit);
        packing.from_row = shape.columns();
        packing.from_column = 1;
        packing.to = cut.at(
            own, (p * cut.panels + column / cut.panel * depth) * cut.panel + column % cut.panel);
        packing.to_row = cut.panel;
        packing.rows = depth;
        packing.columns = packing.padded = std::min(left, piece);
        cut.pack(&packing);
      }
    }
  });
}

// w and u of one direction.
void pack_weights(const Forward& f, int direction, char* to) {
  const int first = direction * f.shape.weights_each;
  pack(f, f.inputs, f.call.operand(Weights, first).data, to);
  to += f.inputs.bytes;
  for (int s = 0; s < f.shape.cell.stages; to += f.stages[s++].bytes)
    pack(f, f.stages[s], f.call.operand(Weights, first + 1).data, to);
}

// What one direction reads and writes, from step to step.
struct Line {
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

// A group of rows and a run of blocks of units, on their way through the steps of a direction.
class Passage {
 public:
  Passage(const Forward& f, const Line& line, int direction, int64_t row0, int64_t row1,
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
    const int64_t step = f.step_bytes(rows_, block1_ - block0_),
                  room = f.thread_bytes - f.sums_bytes();
    chunk_ = std::clamp<int64_t>(room / step, 1, f.shape.steps);
    products_ = inputs_ + chunk_ * rows_ * f.shape.inputs * f.shape.element();
    for (int s = 0; s < f.shape.cell.stages; ++s)
      stages_[s].emplace(f.shape.dtype, rows_, f.stages[s].most_rows, f.stages[s].columns(),
                         f.stages[s].k);
  }

  void go() {
    for (int64_t k0 = 0; k0 < f_.shape.steps; k0 += chunk_) {
      const int64_t k1 = std::min(k0 + chunk_, f_.shape.steps);
      multiply_inputs(k0, k1);
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
    const Array& x = f_.call.operand(X);
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
    const Packed& stage = f_.stages[at.stage];
    const int64_t element = shape.element(), units = shape.units, kept = shape.kept();
    const bool of_q = at.stage > 0;
    const char* a =
        of_q ? gates(at.k) + kBlockOfQ * units * element : state(0, at.k) + row0_ * units * element;
    const char* packed = line_.packed + f_.inputs.bytes + (of_q ? f_.stages[0].bytes : 0);
    stages_[at.stage]->run(a, of_q ? kept : units, packed + block * stage.block, sums,
                           stage.columns(), false, 0, stages_[at.stage]->cut.panels);
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
    if (f_.call.has(Y)) {
      const int64_t width = shape.directions * units;
      b.y_row = shape.steps * width;
      b.y = f_.call.operand(Y).data +
            (row0_ * b.y_row + line_.order.at(at.k) * width + d_ * units + unit) * element;
    }
    if (line_.codes) b.codes = line_.codes + at.k * shape.batch + row0_;
    b.codes_row = 1;
    const int first = d_ * shape.weights_each, last = first + shape.weights_each - 1;
    if (shape.has_bias) b.bias = f_.call.operand(Weights, first + 2).data + unit * element;
    if (shape.has_bias && shape.cell.splits_bias)
      b.recurrent_bias = static_cast<const char*>(b.bias) + shape.columns() * element;
    if (shape.has_peephole) b.peephole = f_.call.operand(Weights, last).data + unit * element;
    b.activation = static_cast<int32_t>(f_.attributes.activation);
    b.recurrent_activation = static_cast<int32_t>(f_.attributes.recurrent_activation);
    return b;
  }

  const Forward& f_;
  const Line& line_;
  int d_;
  int64_t row0_, rows_, block0_, block1_, chunk_;
  const RnnShare& share_;
  char *sums_, *inputs_, *products_;
  std::optional<StepProduct> stages_[FASTNN_RNN_STAGES];
};

class Run {
 public:
  explicit Run(const Call& call)
      : f_(call), shape_(f_.shape), scratch_(call.operand(Scratch).data) {}

  void run() {
    for (int d = 0; d < shape_.directions; ++d) begin(d);
    if (!f_.empty()) {
      // The number of threads may have changed since the memory was given out.
      const int64_t room = f_.call.operand(Scratch).size() - f_.threads_at;
      RnnTeam(shape_, room / f_.thread_bytes).run([&](const RnnShare& share) { go(share); });
    }
    for (int d = 0; d < shape_.directions; ++d)
      for (int i = 0; i < shape_.cell.states; ++i)
        std::memcpy(f_.call.operand(Last, d * shape_.cell.states + i).data,
                    lines_[d]->state(i, shape_.steps, shape_.state_bytes()),
                    static_cast<size_t>(shape_.state_bytes()));
  }

 private:
  void begin(int d) {
    const Call& call = f_.call;
    lines_[d].emplace(Line{RnnOrder(shape_, f_.attributes, d)});
    Line& line = *lines_[d];
    line.kept_steps = f_.keeps() ? shape_.steps + 1 : 2;
    for (int i = 0; i < shape_.cell.states; ++i) {
      const int own = d * shape_.cell.states + i;
      line.states[i] = f_.keeps() ? call.operand(History, own).data
                                  : scratch_ + f_.states_at + own * f_.states_bytes;
      if (call.has(Initial))
        std::memcpy(line.states[i], call.operand(Initial, own).data,
                    static_cast<size_t>(shape_.state_bytes()));
      else
        std::memset(line.states[i], 0, static_cast<size_t>(shape_.state_bytes()));
    }
    if (f_.empty()) return;
    line.gates =
        f_.keeps() ? call.operand(Gates, d).data : scratch_ + f_.gates_at + d * f_.gates_bytes;
    if (call.has(Mask)) {
      auto* codes = reinterpret_cast<unsigned char*>(scratch_ + f_.codes_at + d * f_.codes_bytes);
      step_codes(call.operand(Mask), line.order, f_.attributes.zero_masked != 0, codes);
      line.codes = codes;
    }
    char* own = scratch_ + f_.packed_at + d * f_.packed_bytes;
    line.packed = call.prepared ? call.prepared + d * f_.packed_bytes : own;
    if (!call.prepared) pack_weights(f_, d, own);
  }

  void go(const RnnShare& share) const {
    char* memory = scratch_ + f_.threads_at + share.worker * f_.thread_bytes;
    const int64_t rows = share.row1 - share.row0, groups = ceil_div(rows, kRowsAtOnce);
    for (int d = share.direction; d < shape_.directions; d += share.direction_step)
      for (int64_t i = 0; i < groups; ++i)
        Passage(f_, *lines_[d], d, share.row0 + i * rows / groups,
                share.row0 + (i + 1) * rows / groups, share, memory)
            .go();
  }

  Forward f_;
  const RnnShape& shape_;
  char* scratch_;
  std::optional<Line> lines_[kMaxDirections];
};

void infer(Call& call) {
  const RnnShape shape = RnnShape::checked(call, X, Weights, Mask);
  shape.check_states(call, Initial);
  const auto& attributes = call.attributes.as<RnnAttributes>();
  const bool keeps = attributes.want[kWantHistory] != 0;
  call.resize(Y, attributes.want[kWantSequence] ? 1 : 0);
  call.resize(Last, shape.states());
  call.resize(Gates, keeps ? shape.directions : 0);
  call.resize(History, keeps ? shape.states() : 0);
  const int64_t y[] = {shape.batch, shape.steps, shape.directions * shape.units};
  const int64_t state[] = {shape.batch, shape.units};
  const int64_t gates[] = {shape.steps, shape.batch, shape.kept()};
  const int64_t history[] = {shape.steps + 1, shape.batch, shape.units};
  if (call.has(Y)) call.set_output(Y, shape.dtype, 3, y);
  for (int i = 0; i < shape.states(); ++i) call.set_output(Last, shape.dtype, 2, state, i);
  for (int d = 0; keeps && d < shape.directions; ++d)
    call.set_output(Gates, shape.dtype, 3, gates, d);
  for (int i = 0; keeps && i < shape.states(); ++i)
    call.set_output(History, shape.dtype, 3, history, i);
  call.set_scratch(Scratch, Forward(call).bytes);
}

Status run(const Call& call) {
  Run(call).run();
  return {};
}

int64_t prepared_bytes(const Call& call) {
  const Forward f(call);
  return f.shape.directions * f.packed_bytes;
}

void prepare(const Call& call, char* to) {
  const Forward f(call);
  for (int d = 0; d < f.shape.directions && !f.empty(); ++d)
    pack_weights(f, d, to + d * f.packed_bytes);
}

double cost(const Call& call) {
  const RnnShape shape(call, X, Weights);
  return 2.0 * static_cast<double>(shape.directions * shape.rows()) *
         static_cast<double>(shape.columns()) * static_cast<double>(shape.inputs + shape.units);
}

}  // namespace

void register_rnn() {
  Primitive primitive;
  primitive.name = "rnn";
  primitive.operands = {{"y", Role::out, true},
                        {"last", Role::out, false, true},
                        {"gates", Role::out, true, true},
                        {"history", Role::out, true, true},
                        {"x", Role::in},
                        {"weights", Role::in, false, true},
                        {"initial", Role::in, true, true},
                        {"mask", Role::in, true},
                        {"scratch", Role::scratch}};
  primitive.attributes = rnn_attributes();
  primitive.attributes.push_back(
      {"want_sequence", AttributeKind::boolean, offsetof(RnnAttributes, want[kWantSequence]), 1});
  primitive.attributes.push_back(
      {"want_history", AttributeKind::boolean, offsetof(RnnAttributes, want[kWantHistory])});
  primitive.infer = infer;
  primitive.native = run;
  primitive.preparable = Weights;
  primitive.prepared_bytes = prepared_bytes;
  primitive.prepare = prepare;
  primitive.cost = cost;
  register_primitive(std::move(primitive));
  register_rnn_backward();
}

}  // namespace fastnn
