// attention: y = softmax(scale q k^T) v by heads, without the matrix of scores in memory.
#include "ops/attention.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "core/kernel_table.h"
#include "ops/all.h"
#include "ops/deal.h"
#include "ops/dropout_rate.h"

namespace fastnn {

void copy_matrix(DType dtype, const char* from, int64_t from_row, int64_t from_column, int64_t rows,
                 int64_t columns, char* to, int64_t to_row) {
  const Packing packing{from, from_row, from_column, to, to_row, rows, columns, columns};
  const PackKernels& pack = kernels().pack;
  (dtype == DType::float32 ? pack.f32 : pack.f64)(&packing);
}

void AttentionProduct::run() const {
  GemmProblem g;
  g.dtype = dtype;
  g.m = m;
  g.n = n;
  g.k = k;
  g.a = a;
  g.a_row = a_row;
  g.a_k = a_k;
  g.b = b;
  g.b_k = b_k;
  g.b_column = 1;
  g.c = c;
  g.c_row = c_row;
  g.onto = onto;
  if (m > 0 && n > 0) run_gemm_direct(g, 1, nullptr, 0);
}

namespace {

void check_extent(const Call& call, int operand, int axis, int64_t expected, const char* what) {
  const Array& array = call.operand(operand);
  if (array.shape[axis] != expected)
    fail(ErrorKind::value, call,
         operand_name(call, operand) + " has shape " + shape_text(array) + ", expected " +
             std::to_string(expected) + " on axis " + std::to_string(axis) + ", " + what);
}

}  // namespace

AttentionShape checked_attention(const Call& call, int first) {
  const int q = first + AttentionInputs::Q, k = first + AttentionInputs::K,
            v = first + AttentionInputs::V, mask = first + AttentionInputs::Mask,
            rate = first + AttentionInputs::Rate;
  check_float(call, q);
  check_rank(call, q, 4);
  for (int j : {k, v}) {
    check_same_dtype(call, q, j);
    check_rank(call, j, 4);
    check_extent(call, j, 0, call.operand(q).shape[0], "the batch of q");
  }
  check_extent(call, k, 3, call.operand(q).shape[3], "the width of q");
  check_extent(call, v, 1, call.operand(k).shape[1], "the keys of k");
  check_extent(call, v, 2, call.operand(k).shape[2], "the heads of k");
  const AttentionShape shape(call.operand(q), call.operand(k), call.operand(v));
  if (shape.groups == 0 ? shape.heads != 0 : shape.heads % shape.groups != 0)
    fail(ErrorKind::value, call,
         operand_name(call, q) + " has " + std::to_string(shape.heads) +
             " heads, expected a multiple of the " + std::to_string(shape.groups) + " of k");
  if (call.has(mask)) {
    check_dtypes(call, mask, {DType::boolean});
    check_rank(call, mask, 4);
    const int64_t full[] = {shape.batch, shape.heads, shape.queries, shape.keys};
    const Array& m = call.operand(mask);
    for (int axis = 0; axis < 4; ++axis)
      if (m.shape[axis] != 1 && m.shape[axis] != full[axis])
        fail(ErrorKind::value, call,
             "mask has shape " + shape_text(m) + ", which does not broadcast to " +
                 shape_text(4, full) + ": batch, heads, queries, keys");
  }
  if (call.has(rate)) check_rate(call, q, rate);
  return shape;
}

AttentionScores::AttentionScores(const Call& call, int first, const AttentionShape& shape,
                                 PhiloxState drawn)
    : shape_(shape),
      attributes_(call.attributes.as<AttentionAttributes>()),
      drawn_(drawn),
      drops_(call.has(first + AttentionInputs::Rate)) {
  if (call.has(first + AttentionInputs::Mask)) {
    const Array& mask = call.operand(first + AttentionInputs::Mask);
    mask_ = mask.as<uint8_t>();
    for (int axis = 0; axis < 4; ++axis)
      strides_[axis] = mask.shape[axis] == 1 ? 0 : mask.strides[axis];
  }
  if (drops_) {
    const DropoutRate rate(call.operand(first + AttentionInputs::Rate));
    threshold_ = rate.threshold();
    kept_scale_ = rate.scale;
  }
}

int64_t AttentionScores::bytes(const AttentionShape& shape) {
  return kAttentionQueries * (shape.block_row() * (shape.element() + 1) + 1);
}

bool AttentionScores::sees_nothing(const uint8_t* row, int64_t count) const {
  if (strides_[3] == 0) return count == 0 || *row == 0;
  return std::all_of(row, row + count, [](uint8_t seen) { return seen == 0; });
}

void AttentionScores::begin(char* memory, int64_t batch, int64_t head, int64_t query,
                            int64_t rows) {
  memory_ = memory;
  kept_ = reinterpret_cast<uint8_t*>(memory) +
          kAttentionQueries * shape_.block_row() * shape_.element();
  blind_ = kept_ + kAttentionQueries * shape_.block_row();
  batch_ = batch;
  head_ = head;
  query_ = query;
  rows_ = rows;
  visible_ = attributes_.causal ? std::min(shape_.keys, query + rows) : shape_.keys;
  any_blind_ = false;
  if (!mask_) return;
  rows_mask_ = mask_ + batch * strides_[0] + head * strides_[1] + query * strides_[2];
  for (int64_t r = 0; r < rows; ++r) {
    const int64_t count = attributes_.causal ? std::min(shape_.keys, query + r + 1) : shape_.keys;
    blind_[r] = sees_nothing(rows_mask_ + r * strides_[2], count);
    any_blind_ |= blind_[r] != 0;
  }
  if (any_blind_) visible_ = shape_.keys;
}

AttentionBlock AttentionScores::block(int64_t key, int64_t count) const {
  AttentionBlock block{};
  block.scores = memory_;
  block.scores_row = shape_.block_row();
  block.rows = rows_;
  block.keys = count;
  block.seen = attributes_.causal ? query_ + 1 - key : count;
  block.more_seen = attributes_.causal;
  block.scale = attributes_.scale;
  if (mask_) {
    block.mask = rows_mask_ + key * strides_[3];
    block.mask_row = strides_[2];
    block.mask_key = strides_[3];
  }
  if (any_blind_) block.blind = blind_;
  if (drops_) {
    // The words of a query follow those of the query before it.
    const int64_t row = (batch_ * shape_.heads + head_) * shape_.queries + query_;
    for (int64_t r = 0; r < rows_; ++r)
      kernels().random.dropout_mask(skip(drawn_, (row + r) * shape_.words() + key), threshold_,
                                    count, kept_ + r * block.scores_row);
    block.kept = kept_;
    block.kept_scale = kept_scale_;
  }
  return block;
}

namespace {

enum { Y, Lse, Drawn, Inputs, State = Inputs + AttentionInputs::kCount, Scratch };

constexpr int64_t kFewHeads = 16;    // fewer are cut into chunks of their queries,
constexpr int64_t kChunkBlocks = 4;  // each of about so many blocks or more

// How a call is cut, and the memory of a thread.
struct Forward {
  const Call& call;
  AttentionShape shape;
  const Array &q, &k, &v;
  int64_t chunks;  // of the blocks of queries of a head; each packs the keys for itself
  int64_t keys_bytes, values_bytes, queries_bytes, scores_bytes, sums_bytes, bytes;

  explicit Forward(const Call& call)
      : call(call),
        shape(operand(AttentionInputs::Q), operand(AttentionInputs::K),
              operand(AttentionInputs::V)),
        q(operand(AttentionInputs::Q)),
        k(operand(AttentionInputs::K)),
        v(operand(AttentionInputs::V)) {
    const int64_t element = shape.element(), heads = shape.batch * shape.groups;
    chunks = heads < kFewHeads ? ceil_div(kFewHeads, std::max<int64_t>(heads, 1)) : 1;
    chunks = std::min(chunks, ceil_div(shape.blocks(), kChunkBlocks));
    keys_bytes = ceil_div(shape.keys, kAttentionKeys) * shape.width * shape.block_row() * element;
    values_bytes = shape.keys * shape.row(shape.values) * element;
    queries_bytes = kAttentionQueries * shape.row(shape.width) * element;
    scores_bytes = aligned(AttentionScores::bytes(shape));
    sums_bytes = 2 * kAttentionQueries * element;
    bytes = keys_bytes + values_bytes + queries_bytes + scores_bytes + sums_bytes;
  }

  const Array& operand(int input) const { return call.operand(Inputs + input); }
  int64_t items() const { return shape.batch * shape.groups * chunks; }

  void run(int64_t item, char* memory, PhiloxState drawn) const {
    const int64_t chunk = item % chunks, group = item / chunks % shape.groups,
                  batch = item / chunks / shape.groups, element = shape.element();
    char *keys = memory, *values = keys + keys_bytes, *queries = values + values_bytes,
         *scores = queries + queries_bytes, *sums = scores + scores_bytes;
    const int64_t value_row = shape.row(shape.values), blocks = shape.blocks();
    pack_keys(k.data + (batch * shape.keys * shape.groups + group) * shape.width * element, keys);
    copy_matrix(shape.dtype,
                v.data + (batch * shape.keys * shape.groups + group) * shape.values * element,
                shape.groups * shape.values, 1, shape.keys, shape.values, values, value_row);
    AttentionScores table(call, Inputs, shape, drawn);
    for (int64_t head = group * shape.shared(); head < (group + 1) * shape.shared(); ++head)
      for (int64_t i = chunk * blocks / chunks; i < (chunk + 1) * blocks / chunks; ++i) {
        const int64_t query = shape.first_query(i), rows = shape.first_query(i + 1) - query;
        table.begin(scores, batch, head, query, rows);
        block_of_queries(batch, head, query, rows, table, keys, values, queries, sums);
      }
  }

  // k^T, block by block.
  void pack_keys(const char* from, char* to) const {
    const int64_t element = shape.element(), from_row = shape.groups * shape.width;
    for (int64_t key = 0; key < shape.keys; key += kAttentionKeys) {
      copy_matrix(shape.dtype, from + key * from_row * element, 1, from_row, shape.width,
                  std::min(kAttentionKeys, shape.keys - key), to, shape.block_row());
      to += shape.width * shape.block_row() * element;
    }
  }

  void block_of_queries(int64_t batch, int64_t head, int64_t query, int64_t rows,
                        const AttentionScores& table, const char* keys, const char* values,
                        char* queries, char* sums) const {
    const int dtype = static_cast<int>(shape.dtype);
    const int64_t element = shape.element(), first = (batch * shape.queries + query) * shape.heads;
    const int64_t q_row = shape.row(shape.width), y_row = shape.heads * shape.values;
    copy_matrix(shape.dtype, q.data + (first + head) * shape.width * element,
                shape.heads * shape.width, 1, rows, shape.width, queries, q_row);
    char* y = call.operand(Y).data + (first + head) * shape.values * element;
    AttentionForward forward{};
    forward.largest = sums;
    forward.sum = sums + kAttentionQueries * element;
    forward.y_row = y_row;
    forward.y_columns = shape.values;
    for (int64_t key = 0; key < table.visible(); key += kAttentionKeys) {
      const int64_t count = std::min(kAttentionKeys, table.visible() - key);
      AttentionProduct{shape.dtype,
                       rows,
                       count,
                       shape.width,
                       queries,
                       q_row,
                       1,
                       keys + key * shape.width / kAttentionKeys * shape.block_row() * element,
                       shape.block_row(),
                       table.scores(),
                       shape.block_row(),
                       false}
          .run();
      forward.block = table.block(key, count);
      kernels().attention.forward[dtype](&forward);
      AttentionProduct{shape.dtype,
                       rows,
                       shape.values,
                       count,
                       table.scores(),
                       shape.block_row(),
                       1,
                       values + key * shape.row(shape.values) * element,
                       shape.row(shape.values),
                       y,
                       y_row,
                       key > 0}
          .run();
      forward.y = y;
    }
    char* lse =
        call.operand(Lse).data + ((batch * shape.heads + head) * shape.queries + query) * element;
    const AttentionFinish finish{rows, shape.values, forward.largest, forward.sum, y, lse, y_row};
    kernels().attention.finish[dtype](&finish);
  }
};

void infer(Call& call) {
  const AttentionShape shape = checked_attention(call, Inputs);
  if (call.has(State) != call.has(Inputs + AttentionInputs::Rate))
    fail(ErrorKind::value, call, "rate and state go together, got only one of them");
  const int64_t y[] = {shape.batch, shape.queries, shape.heads, shape.values};
  const int64_t lse[] = {shape.batch, shape.heads, shape.queries};
  call.resize(Drawn, call.has(State) ? 1 : 0);
  call.set_output(Y, shape.dtype, 4, y);
  call.set_output(Lse, shape.dtype, 3, lse);
  if (call.has(State)) {
    check_state(call, State);
    call.set_output_like(Drawn, call.operand(State));
  }
  const Forward forward(call);
  const int64_t slots = std::min(forward.items(), worth_threads(shape.flops(), thread_count()));
  call.set_scratch(Scratch, slots * forward.bytes);
}

Status run(const Call& call) {
  const Forward forward(call);
  const AttentionShape& shape = forward.shape;
  PhiloxState drawn{};
  if (call.has(State)) {
    const Status status = DropoutRate(call.operand(Inputs + AttentionInputs::Rate)).status();
    if (status.code) return status;
    std::memcpy(call.operand(Drawn).data, call.operand(State).data,
                static_cast<size_t>(call.operand(State).bytes()));
    drawn = draw(call.operand(State), shape.batch * shape.heads * shape.queries * shape.words());
  }
  const Array &y = call.operand(Y), &lse = call.operand(Lse), &scratch = call.operand(Scratch);
  if (shape.keys == 0) {  // nothing to be weighed
    std::memset(y.data, 0, static_cast<size_t>(y.bytes()));
    std::memset(lse.data, 0, static_cast<size_t>(lse.bytes()));
  } else if (lse.size() > 0) {
    // The number of threads may have changed since the memory was given out.
    const int64_t slots =
        std::min(worth_threads(shape.flops(), thread_count()), scratch.size() / forward.bytes);
    deal(slots, forward.items(), 1, 1, [&](int64_t item, int64_t, int64_t slot, int64_t) {
      forward.run(item, scratch.data + slot * forward.bytes, drawn);
    });
  }
  return {};
}

double cost(const Call& call) { return Forward(call).shape.flops(); }

}  // namespace

void register_attention() {
  register_primitive({"attention",
                      {{"y", Role::out},
                       {"lse", Role::out},
                       {"drawn", Role::out, true},
                       {"q", Role::in},
                       {"k", Role::in},
                       {"v", Role::in},
                       {"mask", Role::in, true},
                       {"rate", Role::in, true},
                       {"state", Role::inout, true},
                       {"scratch", Role::scratch}},
                      {{"scale", AttributeKind::real, offsetof(AttentionAttributes, scale), 1},
                       {"causal", AttributeKind::boolean, offsetof(AttentionAttributes, causal)}},
                      infer,
                      run,
                      describe_rate,
                      cost});
  register_attention_backward();
}

}  // namespace fastnn
