//! A cartridge of 320 bytes that tells what it sees.

use super::Fixture;

/// Where [`test_rom`] puts what it sees.
pub const TEST_ROM: Fixture = Fixture {
    frame_counter: Some(0x0200_0000),
    key_echo: Some(0x0200_0004),
    history: Some(0x0200_0008),
    save_byte: Some(0x0E00_0000),
    scratch: 0x0200_1000,
    unmapped: 0x0F00_0000,
    frames_to_start: 3,
};

const PROGRAM_START: usize = 0xC0;
const ROM_BYTES: usize = 320;

/// Once a frame, when the picture is complete: reads the keys, counts, mixes keys and a byte of save memory into the
/// history, writes count, keys and history to work memory, the history to internal and save memory, and a pixel of its
/// colour to the picture.
const PROGRAM: [u32; 32] = [
    0xe3a00301, // mov r0, #0x04000000
    0xe3a01b01, // mov r1, #0x400
    0xe3811003, // orr r1, r1, #3
    0xe1c010b0, // strh r1, [r0]            bitmap of 16-bit pixels
    0xe3a02402, // mov r2, #0x02000000
    0xe3a0340e, // mov r3, #0x0e000000
    0xe3a04403, // mov r4, #0x03000000
    0xe3a05406, // mov r5, #0x06000000
    0xe3a06000, // mov r6, #0               count
    0xe3a07000, // mov r7, #0               history
    0xe1d080b6, // ldrh r8, [r0, #6]        until line 160
    0xe35800a0, // cmp r8, #160
    0x1afffffc, // bne
    0xe2808c01, // add r8, r0, #0x100
    0xe1d883b0, // ldrh r8, [r8, #0x30]     keys
    0xe2866001, // add r6, r6, #1
    0xe0677287, // rsb r7, r7, r7, lsl #5
    0xe0877008, // add r7, r7, r8
    0xe5826000, // str r6, [r2]
    0xe5828004, // str r8, [r2, #4]
    0xe5827008, // str r7, [r2, #8]
    0xe5847000, // str r7, [r4]
    0xe5d39000, // ldrb r9, [r3]
    0xe0877009, // add r7, r7, r9
    0xe5c37000, // strb r7, [r3]
    0xe20690ff, // and r9, r6, #0xff
    0xe0859089, // add r9, r5, r9, lsl #1
    0xe1c970b0, // strh r7, [r9]
    0xe1d080b6, // ldrh r8, [r0, #6]        until line 160 is over
    0xe35800a0, // cmp r8, #160
    0x0afffffc, // beq
    0xeaffffe9, // b
];

/// The cartridge's bytes.
pub fn test_rom() -> Vec<u8> {
    let mut bytes = vec![0; ROM_BYTES];
    // A jump over the header.
    bytes[..4].copy_from_slice(&0xEA00_002Eu32.to_le_bytes());
    bytes[0xA0..0xAB].copy_from_slice(b"BRIDGE TEST");
    bytes[0xAC..0xB2].copy_from_slice(b"ZPPT00");
    bytes[0xB2] = 0x96;
    let sum = bytes[0xA0..=0xBC].iter().fold(0x19u8, |sum, byte| sum.wrapping_add(*byte));
    bytes[0xBD] = 0u8.wrapping_sub(sum);
    for (target, word) in bytes[PROGRAM_START..].chunks_exact_mut(4).zip(PROGRAM) {
        target.copy_from_slice(&word.to_le_bytes());
    }
    bytes
}
