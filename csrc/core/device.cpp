#include "core/device.h"

#include "core/memory_pool.h"
#include "core/primitive.h"

namespace fastnn {
namespace {

std::atomic<Device> default_device{Device::cpu};
thread_local int thread_device = -1;  // -1: the default
DeviceDriver driver = {};

std::string name_of(const Call& call, int operand, int i) {
  const OperandInfo& info = call.primitive->operands[static_cast<size_t>(operand)];
  return info.list ? std::string(info.name) + "[" + std::to_string(i) + "]" : info.name;
}

// Whatever lies on the host beside operands on the device must be a number that is read.
void check_together(const Call& call, Device device) {
  std::string there, here;
  for_each_array(call, [&](Role role, int operand, int index) {
    const Array& array = call.arrays()[index];
    if (!array.block) return;
    const bool fits = array.block->device == device || (role == Role::in && is_number(array));
    std::string& name = array.block->device == device ? there : here;
    if (name.empty() && (!fits || &name == &there))
      name = name_of(call, operand, index - call.first[operand]);
  });
  if (here.empty()) return;
  const std::string other = device_name(device);
  throw Error(ErrorKind::value, call.name() + ": " + there + " lies on " + other + " but " + here +
                                    " on cpu; move one of them: .to(\"" + other +
                                    "\") or .to(\"cpu\")");
}

}  // namespace

const char* device_name(Device device) { return device == Device::cpu ? "cpu" : "cuda"; }

Device parse_device(const std::string& name) {
  for (const Device device : {Device::cpu, Device::cuda})
    if (name == device_name(device)) return device;
  throw Error(ErrorKind::value, "device: there is no device '" + name + "', expected cpu or cuda");
}

Device current_device() {
  return thread_device >= 0 ? static_cast<Device>(thread_device)
                            : default_device.load(std::memory_order_relaxed);
}
void set_thread_device(Device device) {
  thread_device = static_cast<int>(device);
  if (device != Device::cpu) devices_in_use = true;
}
void set_default_device(Device device) {
  default_device = device;
  if (device != Device::cpu) devices_in_use = true;
}

void set_device_driver(const DeviceDriver& given) { driver = given; }
const DeviceDriver& device_driver() { return driver; }

Block* allocate_on(Device device, size_t bytes) {
  if (device == Device::cpu) return allocate_block(bytes);
  devices_in_use = true;
  return driver.allocate(bytes);
}

std::atomic<bool> devices_in_use{false};

Device device_of_operands(const Call& call) {
  Device device = Device::cpu;
  bool any = false;
  const Array* arrays = call.arrays();
  for (int i = 0, total = call.total(); i < total; ++i) {
    const Block* block = arrays[i].block;
    if (!block) continue;  // an output
    any = true;
    if (block->device != Device::cpu) device = block->device;
  }
  if (!any) return current_device();
  if (device != Device::cpu) check_together(call, device);
  return device;
}

bool is_number(const Array& array) {
  for (int axis = 0; axis < array.rank; ++axis)
    if (array.strides[axis] != 0) return false;
  return true;
}

}  // namespace fastnn
