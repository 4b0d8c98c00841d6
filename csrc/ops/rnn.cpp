// rnn: a recurrent layer over whole sequences.
//
// A thread takes some rows of the batch, or some units, through all steps. For a chunk of steps it
// multiplies the inputs by w; then, step by step and for a block of units at a time, h by u, and
// the gates follow while those sums are in the first cache. The columns of w and u are packed once,
// block by block, the gates of a block side by side.
#include <cstddef>

#include "ops/all.h"
#include "ops/checks.h"
#include "ops/rnn_passage.h"

namespace fastnn {
namespace {

class Run {
 public:
  explicit Run(const Call& call)
      : f_(call), shape_(f_.shape), scratch_(call.operand(kScratch).data) {}

  void run() {
    for (int d = 0; d < shape_.directions; ++d) begin(d);
    if (!f_.empty()) {
      // The number of threads may have changed since the memory was given out.
      const int64_t room = f_.call.operand(kScratch).size() - f_.threads_at;
      RnnTeam(shape_, room / f_.thread_bytes).run([&](const RnnShare& share) { go(share); });
    }
    for (int d = 0; d < shape_.directions; ++d)
      for (int i = 0; i < shape_.cell.states; ++i)
        std::memcpy(f_.call.operand(kLast, d * shape_.cell.states + i).data,
                    lines_[d]->state(i, shape_.steps, shape_.state_bytes()),
                    static_cast<size_t>(shape_.state_bytes()));
  }

 private:
  void begin(int d) {
    const Call& call = f_.call;
    lines_[d].emplace(RnnLine{RnnOrder(shape_, f_.attributes, d)});
    RnnLine& line = *lines_[d];
    line.kept_steps = f_.keeps() ? shape_.steps + 1 : 2;
    for (int i = 0; i < shape_.cell.states; ++i) {
      const int own = d * shape_.cell.states + i;
      line.states[i] = f_.keeps() ? call.operand(kHistory, own).data
                                  : scratch_ + f_.states_at + own * f_.states_bytes;
      if (call.has(kInitial))
        std::memcpy(line.states[i], call.operand(kInitial, own).data,
                    static_cast<size_t>(shape_.state_bytes()));
      else
        std::memset(line.states[i], 0, static_cast<size_t>(shape_.state_bytes()));
    }
    if (f_.empty()) return;
    line.gates =
        f_.keeps() ? call.operand(kGates, d).data : scratch_ + f_.gates_at + d * f_.gates_bytes;
    if (call.has(kMask)) {
      auto* codes = reinterpret_cast<unsigned char*>(scratch_ + f_.codes_at + d * f_.codes_bytes);
      step_codes(call.operand(kMask), line.order, f_.attributes.zero_masked != 0, codes);
      line.codes = codes;
    }
    char* own = scratch_ + f_.packed_at + d * f_.packed_bytes;
    line.packed = call.prepared ? call.prepared + d * f_.packed_bytes : own;
    if (!call.prepared) pack_rnn_weights(f_, d, own);
  }

  void go(const RnnShare& share) const {
    char* memory = scratch_ + f_.threads_at + share.worker * f_.thread_bytes;
    const int64_t rows = share.row1 - share.row0, groups = ceil_div(rows, kRowsAtOnce);
    for (int d = share.direction; d < shape_.directions; d += share.direction_step)
      for (int64_t i = 0; i < groups; ++i)
        RnnPassage(f_, *lines_[d], d, share.row0 + i * rows / groups,
                   share.row0 + (i + 1) * rows / groups, share, memory)
            .go();
  }

  RnnForward f_;
  const RnnShape& shape_;
  char* scratch_;
  std::optional<RnnLine> lines_[kMaxDirections];
};

void infer(Call& call) {
  const RnnShape shape = RnnShape::checked(call, kX, kWeights, kMask);
  shape.check_states(call, kInitial);
  const auto& attributes = call.attributes.as<RnnAttributes>();
  const bool keeps = attributes.want[kWantHistory] != 0;
  call.resize(kY, attributes.want[kWantSequence] ? 1 : 0);
  call.resize(kLast, shape.states());
  call.resize(kGates, keeps ? shape.directions : 0);
  call.resize(kHistory, keeps ? shape.states() : 0);
  const int64_t y[] = {shape.batch, shape.steps, shape.directions * shape.units};
  const int64_t state[] = {shape.batch, shape.units};
  const int64_t gates[] = {shape.steps, shape.batch, shape.kept()};
  const int64_t history[] = {shape.steps + 1, shape.batch, shape.units};
  if (call.has(kY)) call.set_output(kY, shape.dtype, 3, y);
  for (int i = 0; i < shape.states(); ++i) call.set_output(kLast, shape.dtype, 2, state, i);
  for (int d = 0; keeps && d < shape.directions; ++d)
    call.set_output(kGates, shape.dtype, 3, gates, d);
  for (int i = 0; keeps && i < shape.states(); ++i)
    call.set_output(kHistory, shape.dtype, 3, history, i);
  call.set_scratch(kScratch, RnnForward(call).bytes);
}

Status run(const Call& call) {
  if (const Status status = check_ids(call, kX, kWeights); status.code != 0) return status;
  Run(call).run();
  return {};
}

int64_t prepared_bytes(const Call& call) {
  const RnnForward f(call);
  return f.shape.directions * f.packed_bytes;
}

void prepare(const Call& call, char* to) {
  const RnnForward f(call);
  for (int d = 0; d < f.shape.directions && !f.empty(); ++d)
    pack_rnn_weights(f, d, to + d * f.packed_bytes);
}

double cost(const Call& call) {
  const RnnShape shape(call, kX, kWeights);
  return 2.0 * static_cast<double>(shape.directions * shape.rows()) *
         static_cast<double>(shape.columns()) * static_cast<double>(shape.depth() + shape.units);
}

}  // namespace

void register_rnn() {
  Primitive primitive;
  primitive.name = "rnn";
  primitive.operands = {{"y", Role::out, true},
                        {"last", Role::out, false, true},
                        {"gates", Role::out, true, true},
                        {"history", Role::out, true, true},
                        {"inputs", Role::in},
                        {"weights", Role::in, false, true},
                        {"initial_state", Role::in, true, true},
                        {"mask", Role::in, true},
                        {"scratch", Role::scratch}};
  primitive.attributes = rnn_attributes();
  primitive.attributes.push_back(
      {"want_sequence", AttributeKind::boolean, offsetof(RnnAttributes, want[kWantSequence]), 1});
  primitive.attributes.push_back(
      {"want_history", AttributeKind::boolean, offsetof(RnnAttributes, want[kWantHistory])});
  primitive.infer = infer;
  primitive.native = run;
  primitive.describe = [](const Call& call, const Status& status) {
    return describe_index(call, status, call.operand(kWeights).shape[0]);
  };
  primitive.preparable = kWeights;
  primitive.prepared_bytes = prepared_bytes;
  primitive.prepare = prepare;
  primitive.cost = cost;
  register_primitive(std::move(primitive));
  register_rnn_backward();
}

}  // namespace fastnn
