// What the cameras of the virtual machine look at: an empty chamber, an item that comes and lies, and again.
//
//   scene loopback DEVICE EMPTY.jpg ITEM.jpg    writes Motion JPEG into a device of v4l2loopback, 10 frames/s
//   scene vivid DEVICE                          switches the test pattern of vivid between two pictures
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

// Long enough for a slow machine to classify three frames, and shorter than what is taken for stuck.
#define SECONDS 12

static void fail(const char *what) {
    fprintf(stderr, "scene: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void pause_ms(long ms) {
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

struct file {
    char *bytes;
    size_t size;
};

static struct file read_file(const char *path) {
    FILE *f = fopen(path, "rb");
    if (!f) fail(path);
    struct file file = {malloc(1 << 22), 0};
    file.size = fread(file.bytes, 1, 1 << 22, f);
    fclose(f);
    return file;
}

// The size in the frame header (SOF0 or SOF2) of a JPEG.
static void jpeg_size(struct file f, unsigned *width, unsigned *height) {
    const unsigned char *b = (const unsigned char *)f.bytes;
    for (size_t i = 2; i + 9 < f.size; i += 2 + (b[i + 2] << 8 | b[i + 3])) {
        if (b[i + 1] == 0xc0 || b[i + 1] == 0xc2) {
            *height = b[i + 5] << 8 | b[i + 6];
            *width = b[i + 7] << 8 | b[i + 8];
            return;
        }
    }
    errno = EINVAL;
    fail("no size in the picture");
}

static void loopback(const char *device, const char *empty, const char *item) {
    struct file scenes[2] = {read_file(empty), read_file(item)};
    int fd = open(device, O_RDWR);
    if (fd < 0) fail(device);
    struct v4l2_format format = {.type = V4L2_BUF_TYPE_VIDEO_OUTPUT};
    jpeg_size(scenes[0], &format.fmt.pix.width, &format.fmt.pix.height);
    format.fmt.pix.pixelformat = V4L2_PIX_FMT_MJPEG;
    format.fmt.pix.field = V4L2_FIELD_NONE;
    format.fmt.pix.sizeimage = 1 << 20;
    if (ioctl(fd, VIDIOC_S_FMT, &format)) fail("VIDIOC_S_FMT");
    for (int frame = 0;; frame++) {
        struct file scene = scenes[frame / (10 * SECONDS) % 2];
        if (write(fd, scene.bytes, scene.size) < 0) fail("write");
        pause_ms(100);
    }
}

static void set(int fd, const char *name, int value) {
    struct v4l2_queryctrl control = {.id = V4L2_CTRL_FLAG_NEXT_CTRL};
    for (; !ioctl(fd, VIDIOC_QUERYCTRL, &control); control.id |= V4L2_CTRL_FLAG_NEXT_CTRL) {
        if (!strcmp((const char *)control.name, name)) {
            struct v4l2_control set = {control.id, value};
            if (ioctl(fd, VIDIOC_S_CTRL, &set)) fail(name);
            return;
        }
    }
    fail(name);
}

static void vivid(const char *device) {
    int fd = open(device, O_RDWR);
    if (fd < 0) fail(device);
    set(fd, "OSD Text Mode", 2); // no text, which would move in every frame
    for (int turn = 0;; turn++) {
        set(fd, "Test Pattern", turn % 2 ? 4 : 0); // colour squares; colour bars
        pause_ms(1000 * SECONDS);
    }
}

int main(int argc, char **argv) {
    if (argc == 5 && !strcmp(argv[1], "loopback")) loopback(argv[2], argv[3], argv[4]);
    if (argc == 3 && !strcmp(argv[1], "vivid")) vivid(argv[2]);
    fprintf(stderr, "usage: scene loopback DEVICE EMPTY.jpg ITEM.jpg | scene vivid DEVICE\n");
    return 2;
}
