export default function VpnPage() {
  return null;
}
