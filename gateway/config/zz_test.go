package config_test
import ("testing";"strings";"time";"fmt";"github.com/tributary-gateway/tributary/gateway/config")
func TestZZ(t *testing.T){
 var b strings.Builder
 for i:=0;b.Len()<1<<20-50;i++ { fmt.Fprintf(&b,"k%d: v\n",i)}
 var deep strings.Builder
 for i:=0;deep.Len()<1<<20-3000;i++ { deep.WriteString(strings.Repeat(" ",i)+"a:\n")}
 for n,s:=range map[string]string{"keys":b.String(),"same":strings.Repeat("a: 1\n",200000),"list":strings.Repeat("- a\n",260000),"deep":deep.String(),"quote":"a: \""+strings.Repeat("x\n",500000),"comment":strings.Repeat("#\n",500000),"amp":strings.Repeat("&a ",300000),"star":strings.Repeat("*a ",300000), "tag":strings.Repeat("! ",300000),"dash":strings.Repeat("-\n",500000),"q":strings.Repeat("?\n",500000),"pipe":"a: |\n"+strings.Repeat(" x\n",300000)} {
  t0:=time.Now(); _,err:=config.Parse("x",[]byte(s),config.Inputs{}); e:=fmt.Sprint(err); t.Log(n,time.Since(t0),len(e)); 
 }
}
