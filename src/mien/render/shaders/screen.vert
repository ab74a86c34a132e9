// One triangle that covers the screen. What is read back begins with the top row: rise is -1.

in vec2 corner;
uniform float mirror;
uniform float rise;
out vec2 uv;
out vec2 spot;

void main() {
    vec2 place = vec2(corner.x * mirror, rise * corner.y);
    uv = place * 0.5 + 0.5;
    spot = place * vec2(0.5, -0.5) + 0.5;  // (0, 0) is the top left of the background
    gl_Position = vec4(corner, 0.0, 1.0);
}
