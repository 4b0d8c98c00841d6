#include "ops/strided.h"

namespace fastnn {

StridedLoop::StridedLoop(int full_rank, const int64_t* full_shape, int operands,
                         const Array* const* arrays, int64_t tile)
    : operands(operands) {
  for (int j = 0; j < operands; ++j) {
    data[j] = arrays[j]->data;
    dtypes[j] = arrays[j]->dtype;
  }
  for (int axis = 0; axis < full_rank; ++axis) {
    if (full_shape[axis] == 1) continue;
    int64_t stride[kMaxOperands];
    for (int j = 0; j < operands; ++j) {
      const int own = axis - (full_rank - arrays[j]->rank);
      stride[j] = own < 0 || arrays[j]->shape[own] == 1 ? 0 : arrays[j]->strides[own];
    }
    // An axis continues the one before it if it does so in every operand.
    bool joined = rank > 0;
    for (int j = 0; j < operands && joined; ++j)
      joined = strides[j][rank - 1] == stride[j] * full_shape[axis];
    if (!joined) shape[rank++] = 1;
    shape[rank - 1] *= full_shape[axis];
    for (int j = 0; j < operands; ++j) strides[j][rank - 1] = stride[j];
  }
  cut(tile);
}

void StridedLoop::cut(int64_t tile) {
  const int64_t rows = rank < 2 ? 1 : shape[rank - 2], columns = this->columns();
  tile_columns = columns < tile ? columns : tile;
  tile_rows = columns == 0 || columns >= tile ? 1 : tile / columns;
  if (tile_rows > rows) tile_rows = rows;
  column_tiles = tile_columns == 0 ? 0 : ceil_div(columns, tile_columns);
  row_tiles = tile_rows == 0 ? 0 : ceil_div(rows, tile_rows);
  tiles = row_tiles * column_tiles;
  for (int axis = 0; axis + 2 < rank; ++axis) tiles *= shape[axis];
}

StridedLoop::Tile StridedLoop::tile(int64_t index) const {
  const int64_t rows = rank < 2 ? 1 : shape[rank - 2], columns = this->columns();
  Tile at;
  const int64_t column = index % column_tiles * tile_columns;
  index /= column_tiles;
  const int64_t row = index % row_tiles * tile_rows;
  index /= row_tiles;
  at.columns = columns - column < tile_columns ? columns - column : tile_columns;
  at.rows = rows - row < tile_rows ? rows - row : tile_rows;
  at.begin = (index * rows + row) * columns + column;
  int64_t offset[kMaxOperands];
  for (int j = 0; j < operands; ++j) offset[j] = row * row_stride(j) + column * column_stride(j);
  for (int axis = rank - 3; axis >= 0; --axis) {
    const int64_t i = index % shape[axis];
    index /= shape[axis];
    for (int j = 0; j < operands; ++j) offset[j] += i * strides[j][axis];
  }
  for (int j = 0; j < operands; ++j) at.data[j] = data[j] + offset[j] * item_size(dtypes[j]);
  return at;
}

const char* StridedLoop::contiguous(const Tile& at, int operand, Buffers& buffers) const {
  const int64_t across = row_stride(operand), along = column_stride(operand);
  if ((along == 1 || at.columns == 1) && (at.rows == 1 || across == at.columns))
    return at.data[operand];
  const int64_t size = at.rows * at.columns;
  char* buffer = buffers.bytes[operand];
  const bool held = buffers.source[operand] == at.data[operand] && buffers.size[operand] >= size;
  if (!held) {
    kernels().movement.pack[static_cast<int>(dtypes[operand])](
        at.rows, at.columns, at.data[operand], across, along, buffer);
    // Whether the same source again means the same elements.
    const bool repeats =
        along == 0 ? across == 0 || tile_rows == 1 : across == 0 && column_tiles == 1;
    buffers.source[operand] = repeats ? at.data[operand] : nullptr;
    buffers.size[operand] = size;
  }
  return buffer;
}

int64_t StridedLoop::tiles_per_task(int64_t grain) const {
  const int64_t size = tile_rows * tile_columns;
  return size >= grain || size == 0 ? 1 : grain / size;
}

}  // namespace fastnn
