// rnn: a recurrent layer over whole sequences.
//
// For a chunk of steps that fits the cache, x @ w is one product; then a team of threads goes
// through the steps. A thread takes a block of units at a time: h @ u for all gates of the block
// into a small buffer, then the gates, while those sums are in the first cache. The columns of u
// are packed once, block by block, the gates of a block side by side.
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

constexpr int64_t kUnits = FASTNN_RNN_UNITS;
constexpr int64_t kChunkBytes = 1 << 20;  // of gates
constexpr int64_t kRowsAtOnce = 48;       // whose sums are in the first cache with the weights

// The products of one stage: for a block of units, the columns of u that they read.
struct Stage {
  int64_t gates = 0;       // side by side
  int64_t first_gate = 0;  // of u
  bool of_q = false;
  int64_t block = 0, bytes = 0;  // packed: from a block of units to the next, and all of them

  int64_t columns() const { return gates * kUnits; }
};

struct Forward {
  const Call& call;
  const RnnAttributes& attributes;
  RnnShape shape;
  int64_t unit_blocks, chunk;
  Stage stages[FASTNN_RNN_STAGES];
  int64_t packed_bytes = 0;  // of a direction
  // Where things lie in the scratch memory; of a direction each, but for what is shared: by the
  // product with the inputs, then by the sums of threads.
  int64_t packed_at, inputs_at, gates_at, states_at, codes_at, shared_at, bytes;
  int64_t inputs_bytes, gates_bytes, states_bytes, codes_bytes, sums_bytes;

  explicit Forward(const Call& call)
      : call(call), attributes(call.attributes.as<RnnAttributes>()), shape(call, X, Weights) {
    unit_blocks = ceil_div(shape.units, kUnits);
    const int64_t step_bytes = std::max<int64_t>(1, shape.batch * shape.kept() * shape.element());
    chunk = std::clamp<int64_t>(kChunkBytes / step_bytes, 1, std::max<int64_t>(1, shape.steps));
    for (int i = 0; i < shape.cell.segment_count; ++i) {
      const Segment& segment = shape.cell.segments[i];
      Stage& stage = stages[segment.stage];
      if (stage.gates == 0) stage.first_gate = segment.gate;
      stage.gates += segment.gates;
      stage.of_q = segment.of_q;
    }
    for (Stage& stage : stages) {
      if (stage.gates == 0 || empty()) continue;
      const StepProduct product = step_product(stage, shape.batch);
      stage.block = product.packed_elements() * shape.element();
      stage.bytes = aligned(stage.block * unit_blocks);
      packed_bytes += stage.bytes;
    }
    lay_out();
  }

  bool empty() const { return shape.batch == 0 || shape.units == 0 || shape.steps == 0; }
  bool keeps() const { return attributes.want[kWantHistory] != 0; }

  StepProduct step_product(const Stage& stage, int64_t rows) const {
    return StepProduct(shape.dtype, rows, shape.batch, stage.columns(), shape.units);
  }

  GemmProblem input_product(int direction, int64_t steps, const char* x, char* gates) const {
    GemmProblem g;
    g.dtype = shape.dtype;
    g.m = steps * shape.batch;
    g.n = g.b_k = shape.columns();
    g.k = g.a_row = shape.inputs;
    g.a = x;
    g.a_k = g.b_column = 1;
    g.b = call.operand(Weights, direction * shape.weights_each).data;
    g.c = gates;
    g.c_row = shape.kept();
    return g;
  }

  void lay_out() {
    const int64_t element = shape.element(), own = keeps() ? 0 : chunk;
    inputs_bytes = aligned(chunk * shape.batch * shape.inputs * element);
    gates_bytes = aligned(own * shape.batch * shape.kept() * element);
    states_bytes = keeps() ? 0 : aligned(2 * shape.state_bytes());
    codes_bytes = call.has(Mask) ? aligned(shape.rows()) : 0;
    sums_bytes = aligned(kRowsAtOnce * shape.cell.gates * kUnits * element);
    const int64_t d = shape.directions;
    packed_at = 0;
    inputs_at = packed_at + d * packed_bytes;
    gates_at = inputs_at + d * inputs_bytes;
    states_at = gates_at + d * gates_bytes;
    codes_at = states_at + d * shape.cell.states * states_bytes;
    shared_at = codes_at + d * codes_bytes;
    bytes = shared_at;
    if (!empty())
      bytes +=
          std::max(gemm_scratch_bytes(input_product(0, chunk, nullptr, nullptr), thread_count()),
                   thread_count() * sums_bytes);
  }
};

// u of one direction, packed.
void pack(const Forward& f, int direction, char* to) {
  const RnnShape& shape = f.shape;
  const Array& u = f.call.operand(Weights, direction * shape.weights_each + 1);
  for (int s = 0; s < shape.cell.stages; ++s) {
    const Stage& stage = f.stages[s];
    const StepProduct product = f.step_product(stage, shape.batch);
    const GemmCut& cut = product.cut;
    const int64_t piece = std::min(cut.panel, kUnits);
    parallel_for(f.unit_blocks, [&](int64_t block) {
      char* own = to + block * stage.block;
      std::memset(own, 0, static_cast<size_t>(stage.block));
      for (int64_t p = 0; p < shape.units; p += kSumBlock) {
        const int64_t depth = std::min(shape.units - p, kSumBlock);
        for (int64_t column = 0; column < stage.columns(); column += piece) {
          const int64_t unit = block * kUnits + column % kUnits, left = shape.units - unit;
          if (left <= 0) continue;
          const int64_t from =
              p * shape.columns() + (stage.first_gate + column / kUnits) * shape.units + unit;
          const int64_t j = column / cut.panel, in_panel = column % cut.panel;
          Packing packing;
          packing.from = cut.at(u.data, from);
          packing.from_row = shape.columns();
          packing.from_column = 1;
          packing.to = cut.at(own, (p * cut.panels + j * depth) * cut.panel + in_panel);
          packing.to_row = cut.panel;
          packing.rows = depth;
          packing.columns = packing.padded = std::min(left, piece);
          cut.pack(&packing);
        }
      }
    });
    to += stage.bytes;
  }
}

// What one direction reads and writes, from step to step.
struct Line {
  const char* packed;
  const unsigned char* codes;
  char* gates;
  char* states[2];
  int64_t kept_steps;  // of states; steps beyond begin again
  RnnOrder order;

  char* state(int i, int64_t step, int64_t bytes) const {
    return states[i] + step % kept_steps * bytes;
  }
};

class Run {
 public:
  explicit Run(const Call& call)
      : f_(call), shape_(f_.shape), scratch_(call.operand(Scratch).data) {}

  void run() {
    for (int d = 0; d < shape_.directions; ++d) begin(d);
    for (int64_t k = 0; k < shape_.steps && !f_.empty(); k += f_.chunk) {
      const int64_t end = std::min(k + f_.chunk, shape_.steps);
      for (int d = 0; d < shape_.directions; ++d) multiply_inputs(d, k, end);
      // The number of threads may have changed since the memory was given out.
      RnnTeam(shape_, shared_bytes() / f_.sums_bytes).run([&](const RnnShare& share) {
        for (int d = share.direction; d < shape_.directions; d += share.direction_step)
          go_through(share, d, k, end);
      });
    }
    for (int d = 0; d < shape_.directions; ++d)
      for (int i = 0; i < shape_.cell.states; ++i)
        std::memcpy(f_.call.operand(Last, d * shape_.cell.states + i).data,
                    lines_[d]->state(i, shape_.steps, shape_.state_bytes()),
                    static_cast<size_t>(shape_.state_bytes()));
  }

 private:
  void begin(int d) {
    lines_[d].emplace(Line{nullptr,
                           nullptr,
                           nullptr,
                           {},
                           f_.keeps() ? shape_.steps + 1 : 2,
                           RnnOrder(shape_, f_.attributes, d)});
    Line& line = *lines_[d];
    const Call& call = f_.call;
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
    if (!call.prepared) pack(f_, d, own);
  }

  int64_t shared_bytes() const { return f_.call.operand(Scratch).size() - f_.shared_at; }

  char* gates_of(const Line& line, int64_t k, int64_t chunk0) const {
    return line.gates +
           (f_.keeps() ? k : k - chunk0) * shape_.batch * shape_.kept() * shape_.element();
  }

  void multiply_inputs(int d, int64_t k0, int64_t k1) {
    const Line& line = *lines_[d];
    const Array& x = f_.call.operand(X);
    const char* inputs = x.data + k0 * shape_.inputs * shape_.element();
    if (shape_.batch > 1 || line.order.reversed) {
      char* copy = scratch_ + f_.inputs_at + d * f_.inputs_bytes;
      to_step_order(x, line.order, k0, k1, copy);
      inputs = copy;
    }
    gemm(f_.input_product(d, k1 - k0, inputs, gates_of(line, k0, k0)), thread_count(),
         scratch_ + f_.shared_at, shared_bytes());
  }

  // The rows of a share fall into groups whose sizes differ by one at most.
  void go_through(const RnnShare& share, int d, int64_t k0, int64_t k1) {
    const int64_t rows = share.row1 - share.row0, groups = ceil_div(rows, kRowsAtOnce);
    const int64_t least = rows / groups;
    const Stage *first = f_.stages, *second = f_.stages + 1;
    StepProduct products[2][2] = {
        {f_.step_product(*first, least), f_.step_product(*first, least + 1)},
        {f_.step_product(shape_.cell.stages > 1 ? *second : *first, least),
         f_.step_product(shape_.cell.stages > 1 ? *second : *first, least + 1)}};
    for (int64_t k = k0; k < k1; ++k)
      for (int s = 0; s < shape_.cell.stages; ++s) {
        for (int64_t block = share.begin(f_.unit_blocks); block < share.end(f_.unit_blocks);
             ++block)
          for (int64_t group = 0; group < groups; ++group) {
            const int64_t row0 = share.row0 + group * rows / groups,
                          row1 = share.row0 + (group + 1) * rows / groups;
            step(d, s, k, gates_of(*lines_[d], k, k0), block, row0, row1,
                 products[s][row1 - row0 - least],
                 scratch_ + f_.shared_at + share.worker * f_.sums_bytes);
          }
        share.meet();
      }
  }

  void step(int d, int s, int64_t k, char* gates, int64_t block, int64_t row0, int64_t row1,
            StepProduct& product, char* sums) {
    const Line& line = *lines_[d];
    const Stage& stage = f_.stages[s];
    const int64_t element = shape_.element(), units = shape_.units, kept = shape_.kept();
    const int64_t unit = block * kUnits, state_bytes = shape_.state_bytes();
    const char* packed = line.packed + (s ? f_.stages[0].bytes : 0) + block * stage.block;
    const auto row_of = [&](char* base, int64_t row) {
      return base + (row0 * row + unit) * element;
    };
    char *h = line.state(0, k, state_bytes), *own_gates = row_of(gates, kept);
    const char* a = stage.of_q ? gates + (row0 * kept + kBlockOfQ * units) * element
                               : h + row0 * units * element;
    product.run(a, stage.of_q ? kept : units, packed, sums, stage.columns(), false, 0,
                product.cut.panels);

    RnnBlock b{};
    b.rows = row1 - row0;
    b.units = std::min(kUnits, units - unit);
    b.sums_row = stage.columns();
    b.gates_row = kept;
    b.state_row = b.gate = units;
    b.sums = sums;
    b.gates = own_gates;
    b.h = row_of(h, units);
    b.h_after = row_of(line.state(0, k + 1, state_bytes), units);
    if (shape_.cell.states > 1) {
      b.c = row_of(line.state(1, k, state_bytes), units);
      b.c_after = row_of(line.state(1, k + 1, state_bytes), units);
    }
    if (f_.call.has(Y)) {
      const int64_t width = shape_.directions * units;
      b.y_row = shape_.steps * width;
      b.y = f_.call.operand(Y).data +
            (row0 * b.y_row + line.order.at(k) * width + d * units + unit) * element;
    }
    if (line.codes) b.codes = line.codes + k * shape_.batch + row0;
    const int first = d * shape_.weights_each, last = first + shape_.weights_each - 1;
    if (shape_.has_bias) b.bias = f_.call.operand(Weights, first + 2).data + unit * element;
    if (shape_.has_bias && shape_.cell.splits_bias)
      b.recurrent_bias = static_cast<const char*>(b.bias) + shape_.columns() * element;
    if (shape_.has_peephole) b.peephole = f_.call.operand(Weights, last).data + unit * element;
    b.activation = static_cast<int32_t>(f_.attributes.activation);
    b.recurrent_activation = static_cast<int32_t>(f_.attributes.recurrent_activation);
    kernels().rnn.forward[f_.attributes.cell][s][static_cast<int>(shape_.dtype)](&b);
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
  for (int d = 0; d < f.shape.directions; ++d) pack(f, d, to + d * f.packed_bytes);
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
