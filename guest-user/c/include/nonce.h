// The line with which a program shows that what is printed comes from it. `abi/src/nonce.rs` has the protocol.
//
// It needs no library, so that every program can have it.
#pragma once

enum { NONCE_DIGITS = 16, NONCE_LINE_BYTES = 6 + NONCE_DIGITS + 1 };

// Fills `line` with the line, newline included and without an end mark, for the word that `environment` has. Returns its length in
// bytes: 0 when there is no word.
static inline int nonce_line(const char *const *environment, char line[NONCE_LINE_BYTES]) {
    static const char variable[] = "RINGSIDE_NONCE=", prefix[] = "nonce ", digits[] = "0123456789abcdef";
    const char *value = 0;
    for (; *environment != 0 && value == 0; environment++) {
        int length = 0;
        while (variable[length] != '\0' && (*environment)[length] == variable[length])
            length++;
        if (variable[length] == '\0')
            value = *environment + length;
    }
    if (value == 0)
        return 0;

    unsigned long long word = 0;
    for (int index = 0; index < NONCE_DIGITS; index++) {
        int digit = 0;
        while (digits[digit] != '\0' && digits[digit] != value[index])
            digit++;
        if (digits[digit] == '\0')
            return 0;
        word = word << 4 | (unsigned long long)digit;
    }

    word += 0x9e3779b97f4a7c15;
    word = (word ^ word >> 30) * 0xbf58476d1ce4e5b9;
    word = (word ^ word >> 27) * 0x94d049bb133111eb;
    word ^= word >> 31;

    int end = 0;
    while (prefix[end] != '\0') {
        line[end] = prefix[end];
        end++;
    }
    for (int shift = 4 * (NONCE_DIGITS - 1); shift >= 0; shift -= 4)
        line[end++] = digits[word >> shift & 0xf];
    line[end++] = '\n';
    return end;
}
