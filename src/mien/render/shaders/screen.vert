// One triangle that covers the screen. What is read back begins with the top row: rise is -1.

in vec2 corner;
uniform float mirror;
uniform float rise;
out vec2 uv;

void main() {
    vec2 place = vec2(corner.x * mirror, rise * corner.y);
    uv = place * 0.5 + 0.5;
    gl_Position = vec4(corner, 0.0, 1.0);
}
