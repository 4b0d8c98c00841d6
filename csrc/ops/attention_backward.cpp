// attention_backward: the weights are computed again, block by block, from lse.
//
//   dv = P^T dy,  dS = P (dy v^T - delta) scale,  dq = dS k,  dk = dS^T q,  delta = sum(dy y)
//
// A thread takes all heads that share keys and values, so that their gradients are its own.
// Method: T. Dao et al., "FlashAttention" (2022), section B.2.
#include <algorithm>
#include <cstddef>
#include <cstring>

#include "core/kernel_table.h"
#include "ops/attention.h"
#include "ops/deal.h"
#include "ops/dropout_rate.h"

namespace fastnn {
namespace {

enum { Dq, Dk, Dv, Dy, Y, Lse, Inputs, Drawn = Inputs + AttentionInputs::kCount, Scratch };

// A matrix of a thread's own, in rows that do not share the sets of a cache.
struct Copy {
  int64_t row = 0;
  char* data = nullptr;
};

struct Backward {
  const Call& call;
  AttentionShape shape;
  int64_t keys_bytes, transposed_bytes[2], block_bytes[2], scores_bytes, delta_bytes, bytes;

  explicit Backward(const Call& call)
      : call(call),
        shape(call.operand(Inputs + AttentionInputs::Q), call.operand(Inputs + AttentionInputs::K),
              call.operand(Inputs + AttentionInputs::V)) {
    const int64_t element = shape.element(), widths[] = {shape.width, shape.values};
    keys_bytes = shape.keys * shape.row(shape.width) * element;
    bytes = keys_bytes;
    for (int i = 0; i < 2; ++i) {
      transposed_bytes[i] =
          ceil_div(shape.keys, kAttentionKeys) * widths[i] * shape.block_row() * element;
      block_bytes[i] = kAttentionQueries * shape.row(widths[i]) * element;
      bytes += transposed_bytes[i] + block_bytes[i];
    }
    scores_bytes = aligned(AttentionScores::bytes(shape));
    delta_bytes = kAttentionQueries * element;
    bytes += scores_bytes + gradients_bytes() + delta_bytes;
  }

  int64_t items() const { return shape.batch * shape.groups; }
  int64_t gradients_bytes() const {
    return kAttentionQueries * shape.block_row() * shape.element();
  }

  // Row `position` of the matrix of one head: [batch, positions, heads, columns].
  char* at(int operand, int64_t batch, int64_t position, int64_t head) const {
    const Array& x = call.operand(operand);
    return x.data +
           ((batch * x.shape[1] + position) * x.shape[2] + head) * x.shape[3] * shape.element();
  }

  void run(int64_t item, char* memory, PhiloxState drawn) const {
    const int64_t batch = item / shape.groups, group = item % shape.groups;
    Head head{*this, batch, group, {}, {}, {}, {}, nullptr, nullptr};
    head.take(memory);
    AttentionScores table(call, Inputs, shape, drawn);
    for (int64_t h = group * shape.shared(); h < (group + 1) * shape.shared(); ++h)
      for (int64_t i = 0; i < shape.blocks(); ++i) {
        const int64_t query = shape.first_query(i), rows = shape.first_query(i + 1) - query;
        table.begin(memory + bytes - scores_bytes, batch, h, query, rows);
        head.block_of_queries(h, query, rows, table);
      }
  }

  struct Head {
    const Backward& all;
    int64_t batch, group;
    Copy keys, queries, signal;  // k; blocks of q and dy
    const char* transposed[2];   // k^T and v^T by blocks
    char *gradients, *delta;

    void take(char* memory) {
      const AttentionShape& shape = all.shape;
      const int64_t element = shape.element(), widths[] = {shape.width, shape.values};
      const auto next = [&](int64_t bytes) { return memory += bytes, memory - bytes; };
      keys = {shape.row(shape.width), next(all.keys_bytes)};
      for (int i = 0; i < 2; ++i) {
        char* to = next(all.transposed_bytes[i]);
        transposed[i] = to;
        const int64_t from_row = shape.groups * widths[i];
        for (int64_t key = 0; key < shape.keys; key += kAttentionKeys) {
          copy_matrix(shape.dtype, all.at(Inputs + AttentionInputs::K + i, batch, key, group), 1,
                      from_row, widths[i], std::min(kAttentionKeys, shape.keys - key), to,
                      shape.block_row());
          to += widths[i] * shape.block_row() * element;
        }
        // Gradients by keys and values are sums over the heads that share them.
        for (int64_t key = 0; key < shape.keys; ++key)
          std::memset(all.at(Dk + i, batch, key, group), 0,
                      static_cast<size_t>(widths[i] * element));
      }
      copy_matrix(shape.dtype, all.at(Inputs + AttentionInputs::K, batch, 0, group),
                  shape.groups * shape.width, 1, shape.keys, shape.width, keys.data, keys.row);
      queries = {shape.row(shape.width), next(all.block_bytes[0])};
      signal = {shape.row(shape.values), next(all.block_bytes[1])};
      gradients = next(all.gradients_bytes());
      delta = next(all.delta_bytes);
    }

    void block_of_queries(int64_t head, int64_t query, int64_t rows, const AttentionScores& table) {
      const AttentionShape& shape = all.shape;
      const int dtype = static_cast<int>(shape.dtype);
      const int64_t element = shape.element(), score_row = shape.block_row();
      const int64_t q_row = shape.heads * shape.width, y_row = shape.heads * shape.values;
      copy_matrix(shape.dtype, all.at(Inputs + AttentionInputs::Q, batch, query, head), q_row, 1,
                  rows, shape.width, queries.data, queries.row);
      copy_matrix(shape.dtype, all.at(Dy, batch, query, head), y_row, 1, rows, shape.values,
                  signal.data, signal.row);
      const AttentionDelta dots{
          rows, shape.values, signal.data, all.at(Y, batch, query, head), signal.row, y_row, delta};
      kernels().attention.delta[dtype](&dots);
      AttentionBackward backward{};
      backward.gradients = gradients;
      backward.delta = delta;
      backward.lse = all.call.operand(Lse).data +
                     ((batch * shape.heads + head) * shape.queries + query) * element;
      for (int64_t key = 0; key < table.visible(); key += kAttentionKeys) {
        const int64_t count = std::min(kAttentionKeys, table.visible() - key);
        const char *k = transposed[0] + key * shape.width / kAttentionKeys * score_row * element,
                   *v = transposed[1] + key * shape.values / kAttentionKeys * score_row * element;
        const auto product = [&](int64_t m, int64_t n, int64_t depth, const char* a, int64_t a_row,
                                 int64_t a_k, const char* b, int64_t b_k, char* c, int64_t c_row,
                                 bool onto) {
          AttentionProduct{shape.dtype, m, n, depth, a, a_row, a_k, b, b_k, c, c_row, onto}.run();
        };
        product(rows, count, shape.width, queries.data, queries.row, 1, k, score_row,
                table.scores(), score_row, false);
        product(rows, count, shape.values, signal.data, signal.row, 1, v, score_row, gradients,
                score_row, false);
        backward.block = table.block(key, count);
        kernels().attention.backward[dtype](&backward);
        product(count, shape.values, rows, table.scores(), 1, score_row, signal.data, signal.row,
                all.at(Dv, batch, key, group), shape.groups * shape.values, true);
        product(count, shape.width, rows, gradients, 1, score_row, queries.data, queries.row,
                all.at(Dk, batch, key, group), shape.groups * shape.width, true);
        product(rows, shape.width, count, gradients, score_row, 1,
                keys.data + key * keys.row * element, keys.row, all.at(Dq, batch, query, head),
                q_row, key > 0);
      }
    }
  };
};

void infer(Call& call) {
  const AttentionShape shape = checked_attention(call, Inputs);
  const int64_t y[] = {shape.batch, shape.queries, shape.heads, shape.values};
  const int64_t lse[] = {shape.batch, shape.heads, shape.queries};
  const auto expect = [&](int operand, int rank, const int64_t* expected) {
    check_same_dtype(call, Inputs, operand);
    const Array& array = call.operand(operand);
    if (array.rank != rank || !std::equal(expected, expected + rank, array.shape))
      fail(ErrorKind::value, call,
           operand_name(call, operand) + " has shape " + shape_text(array) + ", expected " +
               shape_text(rank, expected));
  };
  expect(Dy, 4, y);
  expect(Y, 4, y);
  expect(Lse, 3, lse);
  if (call.has(Drawn) != call.has(Inputs + AttentionInputs::Rate))
    fail(ErrorKind::value, call, "rate and drawn go together, got only one of them");
  if (call.has(Drawn)) check_state(call, Drawn);
  for (int i = 0; i < 3; ++i) call.set_output_like(Dq + i, call.operand(Inputs + i));
  const Backward backward(call);
  const int64_t slots = std::min(backward.items(), worth_threads(shape.flops(), thread_count()));
  call.set_scratch(Scratch, slots * backward.bytes);
}

Status run(const Call& call) {
  const Backward backward(call);
  PhiloxState drawn{};
  if (call.has(Drawn)) {
    const Status status = DropoutRate(call.operand(Inputs + AttentionInputs::Rate)).status();
    if (status.code) return status;
    const uint64_t* bits = call.operand(Drawn).as<uint64_t>();
    drawn = {bits[0], bits[1]};
  }
  if (backward.shape.keys == 0 || backward.shape.queries == 0) {
    for (int i = 0; i < 3; ++i)
      std::memset(call.operand(Dq + i).data, 0, static_cast<size_t>(call.operand(Dq + i).bytes()));
    return {};
  }
  if (backward.items() == 0) return {};
  const Array& scratch = call.operand(Scratch);
  // The number of threads may have changed since the memory was given out.
  const int64_t slots = std::min(worth_threads(backward.shape.flops(), thread_count()),
                                 scratch.size() / backward.bytes);
  deal(slots, backward.items(), 1, 1, [&](int64_t item, int64_t, int64_t slot, int64_t) {
    backward.run(item, scratch.data + slot * backward.bytes, drawn);
  });
  return {};
}

double cost(const Call& call) { return 2.5 * Backward(call).shape.flops(); }

}  // namespace

void register_attention_backward() {
  register_primitive({"attention_backward",
                      {{"dq", Role::out},
                       {"dk", Role::out},
                       {"dv", Role::out},
                       {"dy", Role::in},
                       {"y", Role::in},
                       {"lse", Role::in},
                       {"q", Role::in},
                       {"k", Role::in},
                       {"v", Role::in},
                       {"mask", Role::in, true},
                       {"rate", Role::in, true},
                       {"drawn", Role::in, true},
                       {"scratch", Role::scratch}},
                      {{"scale", AttributeKind::real, offsetof(AttentionAttributes, scale), 1},
                       {"causal", AttributeKind::boolean, offsetof(AttentionAttributes, causal)}},
                      infer,
                      run,
                      describe_rate,
                      cost});
}

}  // namespace fastnn
