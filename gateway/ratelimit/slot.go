package ratelimit

import "strings"

// slots is how many a Redis Cluster has. Its nodes have ranges of them, as lanes do.
const slots = 16384

// slot is where a Cluster keeps a key: the CRC-16 (XMODEM) of what is in its braces.
func slot(key string) int {
	_, tag, _ := strings.Cut(key, "{")
	tag, _, _ = strings.Cut(tag, "}")
	crc := uint16(0)
	for i := range len(tag) {
		crc ^= uint16(tag[i]) << 8
		for range 8 {
			if crc&0x8000 != 0 {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
	}
	return int(crc) % slots
}
