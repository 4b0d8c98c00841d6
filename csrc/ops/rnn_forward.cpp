#include "ops/rnn_forward.h"

namespace fastnn {
namespace {

void pack(const RnnForward& f, const PackedColumns& packed, const char* weight, char* to) {
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

}  // namespace

void pack_rnn_weights(const RnnForward& f, int direction, char* to) {
  const int first = direction * f.shape.weights_each;
  if (!f.shape.of_ids) pack(f, f.inputs, f.call.operand(kWeights, first).data, to);
  to += f.inputs.bytes;
  for (int s = 0; s < f.shape.cell.stages; to += f.stages[s++].bytes)
    pack(f, f.stages[s], f.call.operand(kWeights, first + 1).data, to);
}

}  // namespace fastnn
