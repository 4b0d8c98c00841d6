// rnn_backward: the gradients of rnn, back through time.
//
// The team goes through the steps from the last one: a thread computes what reaches the gates of
// its units, then the part of that times u^T that reaches its own units in the step before. The
// gradients by the weights and by x are products over all steps at once.
#include <cstddef>
#include <optional>

#include "core/kernel_table.h"
#include "ops/checks.h"
#include "ops/indices.h"
#include "ops/rnn_products.h"
#include "ops/strided.h"

namespace fastnn {
namespace {

// By the peepholes: for each unit the sum over all steps and rows of gradient times state, in the
// order of a sum across rows, in double precision.
template <class T>
void peephole_gradient(const RnnProducts& b, int d) {
  const RnnShape& shape = b.shape;
  const int64_t units = shape.units, row = b.dgates_row, rows = shape.rows();
  const T* signal = reinterpret_cast<const T*>(b.dgates(d));
  const T* c = b.call.operand(kGradHistory, d * shape.cell.states + 1).as<T>();
  T* dp = reinterpret_cast<T*>(b.dweight(d, shape.weights_each - 1));
  constexpr int gates[] = {0, 1, 3};
  constexpr int64_t kColumns = 64;
  parallel_for(ceil_div(units, kColumns), [&](int64_t task) {
    const int64_t first = task * kColumns, count = std::min(kColumns, units - first);
    for (int g = 0; g < 3; ++g) {
      const T* states = g == 2 ? c + shape.batch * units : c;
      double sums[kColumns] = {};
      for (int64_t r = 0; r < rows; ++r)
        for (int64_t j = 0; j < count; ++j)
          sums[j] += static_cast<double>(signal[r * row + gates[g] * units + first + j]) *
                     static_cast<double>(states[r * units + first + j]);
      for (int64_t j = 0; j < count; ++j) dp[g * units + first + j] = static_cast<T>(sums[j]);
    }
  });
}

class Run {
 public:
  explicit Run(const Call& call) : b_(call), shape_(b_.shape) {}

  void run() {
    for (int d = 0; d < shape_.directions; ++d) begin(d);
    if (b_.empty()) {
      for (int i = 0; i < b_.call.count(kGradDweights); ++i)
        clear(b_.call.operand(kGradDweights, i));
      if (b_.wants(kWantDx)) clear(b_.call.operand(kGradDx));
    } else {
      RnnTeam(shape_, thread_count()).run([&](const RnnShare& share) {
        for (int d = share.direction; d < shape_.directions; d += share.direction_step)
          go_back(share, d);
      });
      for (int d = 0; d < shape_.directions; ++d) multiply(d);
      if (b_.wants(kWantDx)) collect_dx();
    }
    for (int i = 0; i < b_.call.count(kGradDinitial); ++i)
      std::memcpy(b_.call.operand(kGradDinitial, i).data,
                  state(i / shape_.cell.states, i % shape_.cell.states),
                  static_cast<size_t>(shape_.state_bytes()));
  }

 private:
  // Gradients by h, c and q, where the team has come to.
  char* state(int d, int i) const {
    return b_.scratch(b_.states_at + (d * RnnProducts::kStates + i) * b_.states_bytes);
  }
  unsigned char* codes(int d) const {
    return reinterpret_cast<unsigned char*>(b_.scratch(b_.codes_at + d * b_.codes_bytes));
  }
  char* packed(int d, int segment) const {
    return b_.scratch(b_.packed_at + d * b_.packed_bytes + (segment ? b_.packed_each[0] : 0));
  }
  static void clear(const Array& array) {
    std::memset(array.data, 0, static_cast<size_t>(array.bytes()));
  }

  void begin(int d) {
    orders_[d].emplace(shape_, b_.attributes, d);
    const auto bytes = static_cast<size_t>(shape_.state_bytes());
    for (int i = 0; i < shape_.cell.states; ++i)
      if (b_.call.has(kGradDlast))
        std::memcpy(state(d, i), b_.call.operand(kGradDlast, d * shape_.cell.states + i).data,
                    bytes);
      else
        std::memset(state(d, i), 0, bytes);
    if (b_.empty()) return;
    if (b_.call.has(kGradMask))
      step_codes(b_.call.operand(kGradMask), *orders_[d], b_.attributes.zero_masked != 0, codes(d));
    const Array& u = b_.weight(d, 1);
    for (int i = 0; i < shape_.cell.segment_count; ++i) {
      const Segment& segment = shape_.cell.segments[i];
      StepProduct product = b_.step_product(i, shape_.batch);
      product.g.b = product.cut.at(u.data, segment.gate * shape_.units);
      product.g.b_k = 1;
      product.g.b_column = shape_.columns();
      parallel_for(ceil_div(product.g.k, kSumBlock), [&](int64_t block) {
        const int64_t p = block * kSumBlock;
        product.cut.pack_b(
            0, product.cut.panels, p,
            product.cut.at(packed(d, i), p * product.cut.panels * product.cut.panel));
      });
    }
  }

  void go_back(const RnnShare& share, int d) {
    StepProduct first = b_.step_product(0, share.row1 - share.row0);
    std::optional<StepProduct> second;
    if (shape_.cell.segment_count > 1)
      second.emplace(shape_.dtype, share.row1 - share.row0, shape_.batch, shape_.units,
                     shape_.cell.segments[1].gates * shape_.units);
    const int64_t panel0 = share.begin(first.cut.panels), panel1 = share.end(first.cut.panels);
    const int64_t unit0 = panel0 * first.cut.panel,
                  unit1 = std::min(panel1 * first.cut.panel, shape_.units);
    for (int64_t k = shape_.steps - 1; k >= 0; --k)
      for (int stage = shape_.cell.stages - 1; stage >= 0; --stage) {
        if (unit0 < unit1) gates(d, stage, k, share.row0, share.row1, unit0, unit1);
        share.meet();
        for (int i = 0; i < shape_.cell.segment_count; ++i) {
          const Segment& segment = shape_.cell.segments[i];
          if (segment.stage != stage) continue;
          const int64_t at =
              (k * shape_.batch + share.row0) * b_.dgates_row + segment.block * shape_.units;
          (i ? *second : first)
              .run(first.cut.at(b_.dgates(d), at), b_.dgates_row, packed(d, i),
                   state(d, segment.of_q ? 2 : 0) + share.row0 * shape_.units * shape_.element(),
                   shape_.units, !segment.of_q, panel0, panel1,
                   k > 0 ? kept_gates(d, k - 1, share, unit0, unit1) : Ahead{});
        }
      }
  }

  // What the step before will read of the gates: pieces of a row, a gate each.
  Ahead kept_gates(int d, int64_t k, const RnnShare& share, int64_t unit0, int64_t unit1) const {
    const int64_t element = shape_.element(), units = shape_.units, gates = shape_.kept() / units;
    const int64_t first = (k * shape_.batch + share.row0) * shape_.kept() + unit0;
    return {b_.call.operand(kGradGates, d).data + first * element, units * element,
            (share.row1 - share.row0) * gates, (unit1 - unit0) * element / 64 + 1};
  }

  void gates(int d, int stage, int64_t k, int64_t row0, int64_t row1, int64_t unit0,
             int64_t unit1) const {
    const int64_t element = shape_.element(), units = shape_.units, kept = shape_.kept();
    const int64_t states = shape_.cell.states, step = shape_.batch * units * element;
    const int64_t at = (row0 * units + unit0) * element;
    const int64_t row = k * shape_.batch + row0;
    RnnBlockGradient g{};
    g.rows = row1 - row0;
    g.units = unit1 - unit0;
    g.gates_row = kept;
    g.dgates_row = b_.dgates_row;
    g.state_row = g.gate = units;
    g.gates = b_.call.operand(kGradGates, d).data + (row * kept + unit0) * element;
    g.dgates = b_.dgates(d) + (row * b_.dgates_row + unit0) * element;
    g.h = b_.call.operand(kGradHistory, d * shape_.cell.states).data + k * step + at;
    if (states > 1) {
      g.c = b_.call.operand(kGradHistory, d * shape_.cell.states + 1).data + k * step + at;
      g.c_after = static_cast<const char*>(g.c) + step;
      g.dc = state(d, 1) + at;
    }
    if (b_.call.has(kGradDy)) {
      const int64_t width = shape_.directions * units;
      g.dy_row = shape_.steps * width;
      g.dy = b_.call.operand(kGradDy).data +
             (row0 * g.dy_row + orders_[d]->at(k) * width + d * units + unit0) * element;
    }
    g.dh = state(d, 0) + at;
    g.dq = state(d, 2) + at;
    if (b_.call.has(kGradMask)) g.codes = codes(d) + k * shape_.batch + row0;
    if (shape_.has_peephole)
      g.peephole = b_.weight(d, shape_.weights_each - 1).data + unit0 * element;
    g.activation = static_cast<int32_t>(b_.attributes.activation);
    g.recurrent_activation = static_cast<int32_t>(b_.attributes.recurrent_activation);
    kernels().rnn.backward[b_.attributes.cell][stage][static_cast<int>(shape_.dtype)](&g);
  }

  void multiply(int d) const {
    if (b_.wants(kWantDweights) && shape_.of_ids) add_rows(d);
    if (b_.wants(kWantDweights) && !shape_.of_ids) {
      const int64_t step = shape_.batch * shape_.inputs * shape_.element();
      for_each_chunk(shape_.steps, kCheapGrain * 4 / std::max<int64_t>(step, 1) + 1, 1,
                     [&](int64_t k0, int64_t k1) {
                       to_step_order(b_.call.operand(kGradX), *orders_[d], k0, k1, 0, shape_.batch,
                                     b_.inputs(d) + k0 * step);
                     });
    }
    if (b_.wants(kWantDweights) && shape_.has_peephole)
      shape_.dtype == DType::float32 ? peephole_gradient<float>(b_, d)
                                     : peephole_gradient<double>(b_, d);
    const std::vector<GemmProblem> all = b_.products(d);
    gemm(all.data(), static_cast<int>(all.size()), thread_count(), b_.scratch(b_.products_at),
         b_.call.operand(kGradScratch).size() - b_.products_at);
  }

  // By w, of ids: each row gets what reaches the gates wherever its id stands, in the order of the
  // steps.
  void add_rows(int d) const {
    const Array &ids = b_.call.operand(kGradX),
                &dw = b_.call.operand(kGradDweights, d * shape_.weights_each);
    const int64_t element = shape_.element(), columns = shape_.columns();
    const auto add =
        kernels().binary.run[static_cast<int>(BinaryOp::add)][static_cast<int>(shape_.dtype)];
    constexpr int64_t kColumns = 128;  // of a task
    parallel_for(ceil_div(columns, kColumns), [&](int64_t task) {
      const int64_t first = task * kColumns, count = std::min(kColumns, columns - first);
      for (int64_t id = 0; id < shape_.inputs; ++id)
        std::memset(dw.data + (id * columns + first) * element, 0,
                    static_cast<size_t>(count * element));
      for (int64_t i = 0; i < shape_.rows(); ++i) {
        const int64_t place = i % shape_.batch * shape_.steps + orders_[d]->at(i / shape_.batch);
        char* row =
            dw.data + (bounded(index_at(ids, place), shape_.inputs) * columns + first) * element;
        add(count, row, b_.dgates(d) + (i * b_.dgates_row + first) * element, row);
      }
    });
  }

  void collect_dx() const {
    const Array& dx = b_.call.operand(kGradDx);
    from_step_order(b_.inputs(0), *orders_[0], false, dx);
    if (shape_.directions > 1) from_step_order(b_.inputs(1), *orders_[1], true, dx);
  }

  RnnProducts b_;
  const RnnShape& shape_;
  std::optional<RnnOrder> orders_[kMaxDirections];
};

// Of the same shape as what rnn returned, or made of.
void check_kept(const Call& call, int operand, int count, DType dtype, const int64_t* shape) {
  bool fits = call.count(operand) == count;
  for (int i = 0; fits && i < count; ++i) {
    const Array& array = call.operand(operand, i);
    fits = array.dtype == dtype && array.rank == 3;
    for (int axis = 0; fits && axis < 3; ++axis) fits = array.shape[axis] == shape[axis];
  }
  if (!fits)
    fail(ErrorKind::value, call,
         operand_name(call, operand) + " is not what rnn returned: expected " +
             std::to_string(count) + " arrays of shape " + shape_text(3, shape) + " and dtype " +
             dtype_name(dtype));
}

void infer(Call& call) {
  const RnnShape shape = RnnShape::checked(call, kGradX, kGradWeights, kGradMask);
  shape.check_states(call, kGradDlast);
  const int64_t gates[] = {shape.steps, shape.batch, shape.kept()};
  const int64_t history[] = {shape.steps + 1, shape.batch, shape.units};
  const int64_t y[] = {shape.batch, shape.steps, shape.directions * shape.units};
  check_kept(call, kGradGates, shape.directions, shape.dtype, gates);
  check_kept(call, kGradHistory, shape.states(), shape.dtype, history);
  if (call.has(kGradDy)) check_kept(call, kGradDy, 1, shape.dtype, y);
  const auto& attributes = call.attributes.as<RnnAttributes>();
  const int weights = call.count(kGradWeights);
  call.resize(kGradDx, attributes.want[kWantDx] ? 1 : 0);
  call.resize(kGradDweights, attributes.want[kWantDweights] ? weights : 0);
  call.resize(kGradDinitial, attributes.want[kWantDinitial] ? shape.states() : 0);
  if (call.has(kGradDx) && shape.of_ids)
    fail(ErrorKind::value, call, std::string("want_dx is true, but ids have no gradient"));
  if (call.has(kGradDx)) call.set_output_like(kGradDx, call.operand(kGradX));
  const int64_t state[] = {shape.batch, shape.units};
  for (int i = 0; attributes.want[kWantDweights] && i < weights; ++i)
    call.set_output_like(kGradDweights, call.operand(kGradWeights, i), i);
  for (int i = 0; attributes.want[kWantDinitial] && i < shape.states(); ++i)
    call.set_output(kGradDinitial, shape.dtype, 2, state, i);
  call.set_scratch(kGradScratch, RnnProducts(call).bytes);
}

Status run(const Call& call) {
  if (const Status status = check_ids(call, kGradX, kGradWeights); status.code != 0) return status;
  Run(call).run();
  return {};
}

double cost(const Call& call) {
  const RnnShape shape(call, kGradX, kGradWeights);
  return 4.0 * static_cast<double>(shape.directions * shape.rows()) *
         static_cast<double>(shape.columns()) * static_cast<double>(shape.depth() + shape.units);
}

}  // namespace

void register_rnn_backward() {
  Primitive primitive;
  primitive.name = "rnn_backward";
  primitive.operands = {{"dx", Role::out, true},
                        {"dweights", Role::out, true, true},
                        {"dinitial", Role::out, true, true},
                        {"dy", Role::in, true},
                        {"dlast", Role::in, true, true},
                        {"x", Role::in},
                        {"weights", Role::in, false, true},
                        {"mask", Role::in, true},
                        {"gates", Role::in, false, true},
                        {"history", Role::in, false, true},
                        {"scratch", Role::scratch}};
  primitive.attributes = rnn_attributes();
  constexpr const char* names[] = {"want_dx", "want_dweights", "want_dinitial"};
  for (int i = 0; i < 3; ++i)
    primitive.attributes.push_back({names[i], AttributeKind::boolean,
                                    static_cast<uint16_t>(offsetof(RnnAttributes, want) + 8 * i),
                                    i == kWantDinitial ? 0.0 : 1.0});
  primitive.infer = infer;
  primitive.native = run;
  primitive.describe = [](const Call& call, const Status& status) {
    return describe_index(call, status, call.operand(kGradWeights).shape[0]);
  };
  primitive.cost = cost;
  register_primitive(std::move(primitive));
}

}  // namespace fastnn
