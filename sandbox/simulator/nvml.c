/*
 * Licensed under the Apache License, Version 2.0 (the "License"); you may
 * not use this file except in compliance with the License. You may obtain
 * a copy of the License at
 *
 *      http://www.apache.org/licenses/LICENSE-2.0
 *
 * Unless required by applicable law or agreed to in writing, software
 * distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
 * WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
 * License for the specific language governing permissions and limitations
 * under the License.
 */

/*
 * A libnvidia-ml.so.1 without GPUs, for running the real Python binding
 * against. What it answers stands in the file "state" in the folder that it
 * was loaded from: key=value lines, read anew at every call. Every call is
 * written to the file "calls" there, and a handle of a card keeps the file
 * "dev/nvidia<N>" open as the real one does, so that "nobody holds a handle"
 * can be checked.
 *
 * A function that is not here does not exist, as with an old driver.
 *
 * Injections, <fn> with or without its _v2, <i> the card's number:
 *   err.<fn>=CODE            a call that has no card fails
 *   <i>.err=CODE             every call about the card fails
 *   <i>.err.<fn>=CODE        one of them fails
 *   [<i>.]delay_ms.<fn>=MS   it takes time; -1: it never returns
 *   [<i>.]crash.<fn>=1       the process dies of SIGSEGV
 *
 * Signatures, numbers and sizes are those of NVIDIA's nvml.h.
 */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
#define MOST_CARDS 64

typedef int nvmlReturn_t;
typedef struct nvmlDevice_st *nvmlDevice_t;

enum {
    SUCCESS = 0,
    UNINITIALIZED = 1,
    INVALID_ARGUMENT = 2,
    NOT_FOUND = 6,
    INSUFFICIENT_SIZE = 7,
    DRIVER_NOT_LOADED = 9,
    ARGUMENT_VERSION_MISMATCH = 25,
};

typedef struct {
    char busIdLegacy[16];
    unsigned int domain;
    unsigned int bus;
    unsigned int device;
    unsigned int pciDeviceId;
    unsigned int pciSubSystemId;
    char busId[32];
} nvmlPciInfo_t;

typedef struct {
    unsigned long long total;
    unsigned long long free;
    unsigned long long used;
} nvmlMemory_t;

typedef struct {
    unsigned int version;
    unsigned long long total;
    unsigned long long reserved;
    unsigned long long free;
    unsigned long long used;
} nvmlMemory_v2_t;

_Static_assert(sizeof(nvmlPciInfo_t) == 68, "nvmlPciInfo_t");
_Static_assert(sizeof(nvmlMemory_t) == 24, "nvmlMemory_t");
_Static_assert(sizeof(nvmlMemory_v2_t) == 40, "nvmlMemory_v2_t");

#define MEMORY_V2 (sizeof(nvmlMemory_v2_t) | (2u << 24))

static char folder[4096];
static char state[262144];
static int initialised;
static int held[MOST_CARDS];

/* -- the state file ------------------------------------------------------ */

__attribute__((constructor)) static void find_folder(void)
{
    Dl_info info;
    char *slash;

    for (int i = 0; i < MOST_CARDS; i++)
        held[i] = -1;
    if (!dladdr((void *)find_folder, &info) || !info.dli_fname)
        return;
    snprintf(folder, sizeof folder, "%s", info.dli_fname);
    slash = strrchr(folder, '/');
    strcpy(slash ? slash : folder, slash ? "" : ".");
}

static void read_state(void)
{
    char path[4200];
    ssize_t length = 0;
    int file;

    snprintf(path, sizeof path, "%s/state", folder);
    file = open(path, O_RDONLY | O_CLOEXEC);
    if (file >= 0) {
        length = read(file, state, sizeof state - 1);
        close(file);
    }
    state[length > 0 ? length : 0] = 0;
}

/* The value of a key, in a buffer that the next call overwrites. */
static const char *value(const char *format, ...)
{
    static char found[4096];
    char key[512];
    size_t length;
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(key, sizeof key, format, arguments);
    va_end(arguments);
    length = strlen(key);
    for (const char *line = state; line && *line;) {
        const char *end = strchrnul(line, '\n');

        if (!strncmp(line, key, length) && line[length] == '=') {
            snprintf(found, sizeof found, "%.*s",
                     (int)(end - line - length - 1), line + length + 1);
            return found;
        }
        line = *end ? end + 1 : NULL;
    }
    return NULL;
}

static long number(const char *text, long otherwise)
{
    return text ? strtol(text, NULL, 0) : otherwise;
}

static int bound(int card)
{
    return number(value("%d.bound", card), 0) != 0;
}

/* -- what every call does ------------------------------------------------ */

static void write_down(const char *function, int card)
{
    const char *address = card < 0 ? NULL : value("%d.address", card);
    char path[4200], line[256];
    int file, length;

    length = snprintf(line, sizeof line, "%s %s\n", function,
                      address ? address : "-");
    snprintf(path, sizeof path, "%s/calls", folder);
    file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (file < 0)
        return;
    if (write(file, line, (size_t)length) < 0)
        abort();
    close(file);
}

static void wait_ms(long ms)
{
    struct timespec left = { ms / 1000, (ms % 1000) * 1000000 };

    if (ms < 0)
        for (;;)
            pause();
    nanosleep(&left, NULL);
}

/* What is injected for a call under a name: its own, or without _v2. */
static nvmlReturn_t suffer(const char *prefix, const char *name)
{
    long ms = number(value("%sdelay_ms.%s", prefix, name), 0);

    if (ms)
        wait_ms(ms);
    if (value("%scrash.%s", prefix, name)) {
        signal(SIGSEGV, SIG_DFL);
        raise(SIGSEGV);
    }
    return (int)number(value("%serr.%s", prefix, name), SUCCESS);
}

/* Note the call, then do what is injected for it. */
static nvmlReturn_t enter(const char *function, int card)
{
    char base[128], prefix[16];
    nvmlReturn_t result;
    char *version;

    read_state();
    write_down(function, card);
    snprintf(prefix, sizeof prefix, card < 0 ? "" : "%d.", card);
    snprintf(base, sizeof base, "%s", function);
    result = suffer(prefix, function);
    version = strstr(base, "_v");
    if (!result && version) {
        *version = 0;
        result = suffer(prefix, base);
    }
    if (!result && card >= 0)
        result = (int)number(value("%d.err", card), SUCCESS);
    return result;
}

static nvmlReturn_t enter_card(const char *function, nvmlDevice_t device)
{
    int card = (int)(long)device - 1;

    if (!initialised)
        return UNINITIALIZED;
    read_state();
    if (card < 0 || card >= MOST_CARDS || !bound(card))
        return INVALID_ARGUMENT;
    return enter(function, card);
}

static nvmlReturn_t give_text(const char *text, char *buffer, unsigned int size)
{
    if (!text)
        return NOT_FOUND;
    if (strlen(text) >= size)
        return INSUFFICIENT_SIZE;
    strcpy(buffer, text);
    return SUCCESS;
}
/* A handle initialises the card and keeps its device file open. */
static nvmlReturn_t take(int card, nvmlDevice_t *device)
{
    char path[4200];

    if (held[card] < 0) {
        snprintf(path, sizeof path, "%s/dev/nvidia%d", folder, card);
        held[card] = open(path, O_RDWR | O_CLOEXEC);
    }
    *device = (nvmlDevice_t)(long)(card + 1);
    return SUCCESS;
}

/* -- session ------------------------------------------------------------- */

EXPORT nvmlReturn_t nvmlInitWithFlags(unsigned int flags)
{
    nvmlReturn_t result = enter("nvmlInit", -1);

    (void)flags;
    if (result)
        return result;
    for (int card = 0; card < MOST_CARDS; card++)
        if (bound(card)) {
            initialised = 1;
            return SUCCESS;
        }
    /* Nothing bound: the module is not even loaded on such a host. */
    return DRIVER_NOT_LOADED;
}

EXPORT nvmlReturn_t nvmlShutdown(void)
{
    nvmlReturn_t result = enter("nvmlShutdown", -1);

    for (int card = 0; card < MOST_CARDS; card++) {
        if (held[card] >= 0)
            close(held[card]);
        held[card] = -1;
    }
    initialised = 0;
    return result;
}

EXPORT const char *nvmlErrorString(nvmlReturn_t result)
{
    (void)result;
    return "an error of the simulated library";
}

EXPORT nvmlReturn_t nvmlDeviceGetHandleByPciBusId_v2(const char *bus,
                                                     nvmlDevice_t *device)
{
    const char *name = "nvmlDeviceGetHandleByPciBusId_v2";
    unsigned int domain, number, slot, function;
    char wanted[32];

    if (!initialised)
        return UNINITIALIZED;
    if (sscanf(bus, "%x:%x:%x.%x", &domain, &number, &slot, &function) != 4)
        return INVALID_ARGUMENT;
    snprintf(wanted, sizeof wanted, "%04x:%02x:%02x.%x", domain, number,
             slot, function);
    read_state();
    for (int card = 0; card < MOST_CARDS; card++) {
        const char *there = value("%d.address", card);

        if (there && !strcmp(there, wanted) && bound(card)) {
            nvmlReturn_t result = enter(name, card);

            return result ? result : take(card, device);
        }
    }
    enter(name, -1);
    return NOT_FOUND;
}

/* -- one card ------------------------------------------------------------ */

#define TEXT_OF_CARD(NAME, KEY)                                              \
    EXPORT nvmlReturn_t NAME(nvmlDevice_t device, char *text,                \
                             unsigned int length)                            \
    {                                                                        \
        nvmlReturn_t result = enter_card(#NAME, device);                     \
                                                                             \
        return result ? result                                               \
                      : give_text(value("%d." KEY, (int)(long)device - 1),   \
                                  text, length);                             \
    }

TEXT_OF_CARD(nvmlDeviceGetUUID, "uuid")
TEXT_OF_CARD(nvmlDeviceGetName, "name")
TEXT_OF_CARD(nvmlDeviceGetSerial, "serial")

EXPORT nvmlReturn_t nvmlDeviceGetPciInfo_v3(nvmlDevice_t device,
                                            nvmlPciInfo_t *pci)
{
    nvmlReturn_t result = enter_card("nvmlDeviceGetPciInfo_v3", device);
    int card = (int)(long)device - 1;
    unsigned int function = 0;

    if (result)
        return result;
    memset(pci, 0, sizeof *pci);
    if (sscanf(value("%d.address", card), "%x:%x:%x.%x", &pci->domain,
               &pci->bus, &pci->device, &function) != 4)
        return NOT_FOUND;
    pci->pciDeviceId = (unsigned int)number(value("%d.device_id", card), 0);
    pci->pciSubSystemId =
        (unsigned int)number(value("%d.subsystem_id", card), 0);
    snprintf(pci->busIdLegacy, sizeof pci->busIdLegacy, "%04X:%02X:%02X.0",
             pci->domain & 0xffff, pci->bus & 0xff, pci->device & 0xff);
    snprintf(pci->busId, sizeof pci->busId, "%08X:%02X:%02X.0", pci->domain,
             pci->bus, pci->device);
    return SUCCESS;
}

static unsigned long long memory(nvmlDevice_t device)
{
    const char *bytes = value("%d.memory", (int)(long)device - 1);

    return bytes ? strtoull(bytes, NULL, 0) : 0;
}

EXPORT nvmlReturn_t nvmlDeviceGetMemoryInfo(nvmlDevice_t device,
                                            nvmlMemory_t *info)
{
    nvmlReturn_t result = enter_card("nvmlDeviceGetMemoryInfo", device);

    if (result)
        return result;
    info->total = info->free = memory(device);
    info->used = 0;
    return SUCCESS;
}

EXPORT nvmlReturn_t nvmlDeviceGetMemoryInfo_v2(nvmlDevice_t device,
                                               nvmlMemory_v2_t *info)
{
    nvmlReturn_t result = enter_card("nvmlDeviceGetMemoryInfo_v2", device);

    if (result)
        return result;
    if (info->version != MEMORY_V2)
        return ARGUMENT_VERSION_MISMATCH;
    info->total = info->free = memory(device);
    info->reserved = info->used = 0;
    return SUCCESS;
}
