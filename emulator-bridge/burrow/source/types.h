// Plain integer types and the hardware registers the game touches.
#ifndef BURROW_TYPES_H
#define BURROW_TYPES_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef signed char s8;
typedef signed short s16;
typedef signed int s32;
typedef unsigned char boolean;

#define NULL ((void *)0)
#define COUNT_OF(array) ((int)(sizeof(array) / sizeof((array)[0])))
// Runs from the internal RAM in ARM state: for what is done many times a frame.
#define FAST_CODE __attribute__((section(".iwram_code"), target("arm"), long_call, noinline))
#define IN_EXTERNAL_RAM __attribute__((section(".ewram_bss")))

#define REGISTER_16(address) (*(volatile u16 *)(address))
#define REGISTER_32(address) (*(volatile u32 *)(address))

#define DISPLAY_CONTROL REGISTER_16(0x04000000)
#define DISPLAY_STATUS REGISTER_16(0x04000004)
#define BACKGROUND_CONTROL(n) REGISTER_16(0x04000008 + 2 * (n))
#define BACKGROUND_SCROLL_X(n) REGISTER_16(0x04000010 + 4 * (n))
#define BACKGROUND_SCROLL_Y(n) REGISTER_16(0x04000012 + 4 * (n))
#define BLEND_CONTROL REGISTER_16(0x04000050)
#define BLEND_BRIGHTNESS REGISTER_16(0x04000054)
#define KEY_INPUT REGISTER_16(0x04000130)
#define INTERRUPT_ENABLE REGISTER_16(0x04000200)
#define INTERRUPT_MASTER REGISTER_16(0x04000208)

#define PALETTE_BACKGROUND ((volatile u16 *)0x05000000)
#define PALETTE_SPRITES ((volatile u16 *)0x05000200)
#define VIDEO_RAM 0x06000000
#define SPRITE_RAM 0x06010000
#define SPRITE_ATTRIBUTES ((volatile u32 *)0x07000000)
#define SAVE_RAM ((volatile u8 *)0x0E000000)

#define SCREEN_WIDTH 240
#define SCREEN_HEIGHT 160

enum key {
    KEY_A = 0x001,
    KEY_B = 0x002,
    KEY_SELECT = 0x004,
    KEY_START = 0x008,
    KEY_RIGHT = 0x010,
    KEY_LEFT = 0x020,
    KEY_UP = 0x040,
    KEY_DOWN = 0x080,
    KEY_R = 0x100,
    KEY_L = 0x200,
    KEY_PAD = 0x0F0,
};

#endif
