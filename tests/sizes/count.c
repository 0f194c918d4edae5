/* A QEMU plugin that counts the instructions that the guest executes.
 *
 * The count is a 64-bit number in the file named by the argument `count=PATH`, mapped into memory, so that whoever drives
 * the guest can read it at any moment. QEMU adds to it in the code that it generates, once for each block that it enters.
 *
 * The three functions and the types that we use of the plugin interface (version 1) are declared here: the
 * distribution's package has no header.
 */
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef uint64_t plugin_id;
struct qemu_info_t;
struct qemu_plugin_tb;
enum operation { ADD_U64 };

extern void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id, void (*translated)(plugin_id id, struct qemu_plugin_tb *block));
extern void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *block, enum operation operation, void *target, uint64_t value);
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);

#define EXPORT __attribute__((visibility("default")))

EXPORT int qemu_plugin_version = 1;
EXPORT int qemu_plugin_install(plugin_id id, const struct qemu_info_t *info, int count, char **arguments);

static uint64_t *executed;

static void on_translated(plugin_id id, struct qemu_plugin_tb *block)
{
    (void)id;
    qemu_plugin_register_vcpu_tb_exec_inline(block, ADD_U64, executed, qemu_plugin_tb_n_insns(block));
}

int qemu_plugin_install(plugin_id id, const struct qemu_info_t *info, int count, char **arguments)
{
    (void)info;
    if (count != 1 || strncmp(arguments[0], "count=", 6) != 0)
        return -1;
    int file = open(arguments[0] + 6, O_RDWR | O_CREAT, 0600);
    if (file < 0 || ftruncate(file, sizeof *executed) != 0)
        return -1;
    void *memory = mmap(NULL, sizeof *executed, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (memory == MAP_FAILED)
        return -1;
    executed = memory;
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translated);
    return 0;
}
