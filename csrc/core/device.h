// Where elements lie, and who computes with them: the host's processor, or a device that the
// bindings know how to reach.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace fastnn {

struct Array;  // array.h
struct Block;  // memory_pool.h
struct Call;   // primitive.h

enum class Device : uint8_t { cpu, cuda };

const char* device_name(Device device);
Device parse_device(const std::string& name);  // throws Error

// Where the calling thread makes what no operand says the device of, and where threads start.
Device current_device();
void set_thread_device(Device device);
void set_default_device(Device device);

// A copy of bytes from one piece of a device's memory to another.
struct DeviceCopy {
  Block* to;
  Block* from;
  int64_t offset;  // in `from`
  int64_t bytes;
};

// Until it ends, the calling thread makes new things there.
class ThreadDevice {
 public:
  explicit ThreadDevice(Device device) : before_(current_device()) { set(device); }
  ThreadDevice(const ThreadDevice&) = delete;
  ThreadDevice& operator=(const ThreadDevice&) = delete;
  ~ThreadDevice() { set(before_); }

 private:
  void set(Device device) {
    if (device != current_device()) set_thread_device(device);
  }
  Device before_;
};

// The way to a device. Addresses of its memory mean nothing to the host.
struct DeviceDriver {
  Block* (*allocate)(size_t bytes);                     // throws, also Python's MemoryError
  void (*run)(const Call& call);                        // throws Error
  void (*read)(const Array& from, char* to);            // contiguous; waits for calls before it
  void (*write)(const char* from, const Array& array);  // contiguous; `from` may change then

  // What `calls` runs, kept to be run again as a whole on the same memory; nothing runs yet. Null
  // where that is not possible. Throws what is no Exception of Python's: an interruption.
  void* (*capture)(const std::function<void()>& calls);
  void (*run_graph)(void* graph, const std::vector<DeviceCopy>& before,
                    const std::vector<DeviceCopy>& after);
  void (*drop_graph)(void* graph);
};
void set_device_driver(const DeviceDriver& driver);
const DeviceDriver& device_driver();

// A new block with one reference on the device. Throws std::bad_alloc.
Block* allocate_on(Device device, size_t bytes);

// Whether anybody has asked for another device than the host: until then calls need not look.
extern std::atomic<bool> devices_in_use;

// The device of a call: that of its operands, or the thread's if it has none. Throws Error when
// operands lie apart. A number of the host fits every device.
Device device_of_operands(const Call& call);
inline Device device_of(const Call& call) {
  return devices_in_use.load(std::memory_order_relaxed) ? device_of_operands(call) : Device::cpu;
}

// Whether the array is a scalar, or one that is repeated.
bool is_number(const Array& array);

}  // namespace fastnn
