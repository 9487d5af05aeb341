#!/usr/bin/env bash
# Sees that the system libraries are there (and, for "test", PostgreSQL): installs what is
# missing through apt when root, else says what an administrator must install. Quick when all is well.
set -euo pipefail
what="${1:-run}"
python="${2:-python3}"

# Debian 12 names; each line: package, then a file pattern that proves it is there.
needed=(
  "libegl1 libEGL.so.1"
  "libgl1 libGL.so.1"
  "libglib2.0-0 libglib-2.0.so.0"
  "libxkbcommon0 libxkbcommon.so.0"
  "libxkbcommon-x11-0 libxkbcommon-x11.so.0"
  "libdbus-1-3 libdbus-1.so.3"
  "libfontconfig1 libfontconfig.so.1"
  "libxcb-cursor0 libxcb-cursor.so.0"
  "libxcb-icccm4 libxcb-icccm.so.4"
  "libxcb-image0 libxcb-image.so.0"
  "libxcb-keysyms1 libxcb-keysyms.so.1"
  "libxcb-randr0 libxcb-randr.so.0"
  "libxcb-render-util0 libxcb-render-util.so.0"
  "libxcb-shape0 libxcb-shape.so.0"
  "libxcb-xinerama0 libxcb-xinerama.so.0"
)

missing=()
libraries="$(ldconfig -p 2>/dev/null || /sbin/ldconfig -p 2>/dev/null || true)"
for line in "${needed[@]}"; do
  read -r package library <<<"$line"
  grep -q "$library" <<<"$libraries" || missing+=("$package")
done
has_chinese_font() {
  compgen -G "/usr/share/fonts/*/*/*CJK*" >/dev/null || compgen -G "/usr/share/fonts/*/*/wqy*" >/dev/null ||
    { command -v fc-list >/dev/null && [ -n "$(fc-list :lang=zh-cn 2>/dev/null | head -n 1)" ]; }
}
has_chinese_font || missing+=(fonts-noto-cjk)
"$python" -c 'import venv, ensurepip' 2>/dev/null || missing+=(python3-venv)
if [ "$what" = test ]; then
  compgen -G "/usr/lib/postgresql/*/bin/initdb" >/dev/null || missing+=(postgresql)
fi

if [ "${#missing[@]}" -gt 0 ]; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "安装系统组件：${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
  else
    echo "缺少系统组件，请让管理员先执行：" >&2
    echo "  sudo apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 1
  fi
fi
