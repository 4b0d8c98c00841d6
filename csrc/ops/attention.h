// What attention and its gradient share: shapes, masks, dropout, and the memory of a thread.
//
// A head's keys are met in blocks of kAttentionKeys, its queries in blocks of kAttentionQueries; no
// more of the scores than one such block ever lies in memory.
#pragma once

#include "core/summation_order.h"
#include "kernels/attention.h"
#include "ops/checks.h"
#include "ops/gemm_paths.h"
#include "ops/random.h"
#include "ops/tasks.h"

namespace fastnn {

struct AttentionAttributes {
  double scale;
  int64_t causal;
};

// q [batch, queries, heads, width], k [batch, keys, groups, width], v [batch, keys, groups,
// values]: heads / groups heads that follow each other share keys and values.
struct AttentionShape {
  DType dtype;
  int64_t batch, queries, heads, width, keys, groups, values;

  AttentionShape(const Array& q, const Array& k, const Array& v)
      : dtype(q.dtype),
        batch(q.shape[0]),
        queries(q.shape[1]),
        heads(q.shape[2]),
        width(q.shape[3]),
        keys(k.shape[1]),
        groups(k.shape[2]),
        values(v.shape[3]) {}

  int64_t element() const { return item_size(dtype); }
  int64_t shared() const { return groups ? heads / groups : 0; }
  double flops() const {
    return 2.0 * static_cast<double>(batch * heads) * static_cast<double>(queries) *
           static_cast<double>(keys) * static_cast<double>(width + values);
  }
  // From a row to the next of a matrix of so many columns in scratch memory, in elements: an odd
  // number of lines of a cache, so that rows do not share its sets.
  int64_t row(int64_t columns) const { return (aligned(columns * element()) | 64) / element(); }
  int64_t block_row() const { return row(keys < kAttentionKeys ? keys : kAttentionKeys); }
  // Blocks of queries, nearly equal; where one begins.
  int64_t blocks() const { return ceil_div(queries, kAttentionQueries); }
  int64_t first_query(int64_t block) const { return block * queries / blocks(); }
  // Random words of one query: dropout draws whole blocks of four.
  int64_t words() const { return ceil_div(keys, 4) * 4; }
};

// Operands of both primitives from q on lie one after the other.
struct AttentionInputs {
  enum { Q, K, V, Mask, Rate, kCount };
};

// Checks q, k, v, mask and rate, which begin at operand `first`.
AttentionShape checked_attention(const Call& call, int first);

// A matrix read through strides, copied to rows of `to_row` elements.
void copy_matrix(DType dtype, const char* from, int64_t from_row, int64_t from_column, int64_t rows,
                 int64_t columns, char* to, int64_t to_row);

// Scores and what goes with them, of one thread.
class AttentionScores {
 public:
  AttentionScores(const Call& call, int first, const AttentionShape& shape, PhiloxState drawn);

  static int64_t bytes(const AttentionShape& shape);

  // Goes to `rows` queries of a head, from `query` on. `memory` holds what `bytes` says.
  void begin(char* memory, int64_t batch, int64_t head, int64_t query, int64_t rows);
  // How many keys these queries can see.
  int64_t visible() const { return visible_; }
  // Describes the block of keys from `key` on, with its draws.
  AttentionBlock block(int64_t key, int64_t count) const;
  char* scores() const { return memory_; }

 private:
  bool sees_nothing(const uint8_t* row, int64_t count) const;

  const AttentionShape& shape_;
  const AttentionAttributes& attributes_;
  const uint8_t* mask_ = nullptr;
  int64_t strides_[4] = {};
  PhiloxState drawn_;
  bool drops_;
  uint32_t threshold_ = 0;
  double kept_scale_ = 1;

  char* memory_ = nullptr;
  uint8_t *kept_ = nullptr, *blind_ = nullptr;
  const uint8_t* rows_mask_ = nullptr;
  int64_t batch_ = 0, head_ = 0, query_ = 0, rows_ = 0, visible_ = 0;
  bool any_blind_ = false;
};

// C (+)= A B on the calling thread; operands are read where they lie.
struct AttentionProduct {
  DType dtype;
  int64_t m, n, k;
  const char* a;
  int64_t a_row, a_k;
  const char* b;
  int64_t b_k;
  char* c;
  int64_t c_row;
  bool onto;
  void run() const;
};

void register_attention_backward();

}  // namespace fastnn
